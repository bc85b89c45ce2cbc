"""Writes evidence.json: 30 points of a cubic with noise."""

import json

import numpy as np

rng = np.random.default_rng(11)
x = np.sort(rng.uniform(-2, 2, 30)).round(3)
y = (0.5 - 1.0 * x + 0.0 * x**2 + 0.7 * x**3 + rng.normal(0, 0.5, 30)).round(3)
with open("evidence.json", "w") as out:
    json.dump({"x": x.tolist(), "y": y.tolist()}, out)
    out.write("\n")

for order in range(7):
    powers = np.vander(x, order + 1, increasing=True)
    covariance = 0.5**2 * np.eye(30) + powers @ powers.T
    log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
    print(f"order {order}: log p(y) = {-0.5 * (y @ np.linalg.solve(covariance, y) + log_det):.4f}")
