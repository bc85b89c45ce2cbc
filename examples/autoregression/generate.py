"""Writes autoregression.json: 300 steps of an autoregression of order 3. Prints the evidence of each order."""

import json

import numpy as np

CONSTANT, B, SIGMA, GIVEN = 1.0, np.array([0.6, 0.3, -0.4]), 0.5, 5

rng = np.random.default_rng(23)
y = [2.0] * 3
for _ in range(400):
    y.append(CONSTANT + B @ y[:-4:-1] + rng.normal(0, SIGMA))
y = np.round(y[-300:], 3)
with open("autoregression.json", "w") as out:
    json.dump({"y": y.tolist(), "given": GIVEN}, out)
    out.write("\n")


def log_evidence(order):
    """Given sigma all is Normal; over sigma, half-normal of scale 2, a sum on a grid of its logarithm."""
    x = np.column_stack([np.ones(len(y) - GIVEN)] + [y[GIVEN - k : len(y) - k] for k in range(1, order + 1)])
    prior = x @ np.diag([25.0] + [1.0] * order) @ x.T
    log_sigma, step = np.linspace(np.log(0.3), np.log(0.9), 301, retstep=True)
    log_joint = []
    for sigma in np.exp(log_sigma):
        covariance = prior + sigma**2 * np.eye(len(x))
        log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
        log_likelihood = -0.5 * (y[GIVEN:] @ np.linalg.solve(covariance, y[GIVEN:]) + log_det)
        log_prior = np.log(2) - 0.5 * np.log(2 * np.pi * 4) - sigma**2 / 8
        log_joint.append(log_likelihood + log_prior + np.log(sigma))
    return np.logaddexp.reduce(log_joint) + np.log(step)


for order in range(1, GIVEN + 1):
    print(f"order {order}: log p(y) = {log_evidence(order):.4f}")
