"""Writes predictive_coding.json: an image of 8 pixels, made from 2 causes by way of 4 features. Prints the exact posterior."""

import json

import numpy as np

rng = np.random.default_rng(3)
W1 = rng.normal(0, 1, (8, 4)).round(2)
W2 = rng.normal(0, 1, (4, 2)).round(2)
SD = 0.5
cause = np.array([1.0, -1.5])
feature = W2 @ cause + rng.normal(0, SD, 4)
image = (W1 @ feature + rng.normal(0, SD, 8)).round(3)
with open("predictive_coding.json", "w") as out:
    json.dump({"image": image.tolist(), "W1": W1.tolist(), "W2": W2.tolist()}, out)
    out.write("\n")

# Of (cause, feature) together: precision and precision times mean.
precision = np.block([
    [np.eye(2) + W2.T @ W2 / SD**2, -W2.T / SD**2],
    [-W2 / SD**2, np.eye(4) / SD**2 + W1.T @ W1 / SD**2],
])
weighted = np.concatenate([np.zeros(2), W1.T @ image / SD**2])
covariance = np.linalg.inv(precision)
mean = covariance @ weighted
for name, m, s in zip(["cause"] * 2 + ["feature"] * 4, mean, np.sqrt(np.diag(covariance))):
    print(f"{name}: {m:.4f} ± {s:.4f}")
total = SD**2 * np.eye(8) + W1 @ (SD**2 * np.eye(4) + W2 @ W2.T) @ W1.T
log_det = np.linalg.slogdet(2 * np.pi * total)[1]
print(f"log p(image): {-0.5 * (image @ np.linalg.solve(total, image) + log_det):.4f}")
