"""Prints the exact posterior of predictive_coding.json, and log p(image)."""

import json

import numpy as np

SD = 0.5

with open("predictive_coding.json") as file:
    data = json.load(file)
W1, W2, image = (np.array(data[name]) for name in ["W1", "W2", "image"])

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
print(f"log p(image): {-0.5 * (image @ np.linalg.solve(total, image) + log_det):.5f}")
