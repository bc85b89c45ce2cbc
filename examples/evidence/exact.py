"""Prints log p(y) of each order for evidence.json."""

import json

import numpy as np

with open("evidence.json") as file:
    data = json.load(file)
x, y = np.array(data["x"]), np.array(data["y"])

for order in range(7):
    powers = np.vander(x, order + 1, increasing=True)
    covariance = 0.5**2 * np.eye(30) + powers @ powers.T
    log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
    print(f"order {order}: log p(y) = {-0.5 * (y @ np.linalg.solve(covariance, y) + log_det):.4f}")
