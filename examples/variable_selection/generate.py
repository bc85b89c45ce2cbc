"""Writes variable_selection.json: 80 rows of eight predictors, of which the first three have effects, and prints the exact posterior."""

import itertools
import json
from math import lgamma, log, pi

import numpy as np

EFFECT = np.array([1.0, -0.5, 0.3, 0, 0, 0, 0, 0])

rng = np.random.default_rng(7)
x = rng.normal(size=(80, 8))
x[:, 4] = 0.8 * x[:, 0] + 0.6 * x[:, 4]
x = x.round(2)
y = (0.5 + x @ EFFECT + rng.normal(size=80)).round(3)
with open("variable_selection.json", "w") as out:
    json.dump({"x": x.tolist(), "y": y.tolist()}, out)
    out.write("\n")

# Given sigma and gamma, y is Normal. The share integrated out, a gamma of k ones has the prior k! (8 − k)! / 9!.
gammas = np.array(list(itertools.product([0, 1], repeat=8)))
sigmas = np.exp(np.linspace(log(0.6), log(1.8), 121))
log_joint = np.empty((len(gammas), len(sigmas)))
for i, gamma in enumerate(gammas):
    design = np.column_stack([np.full(80, 5.0), x * np.where(gamma == 1, 1.0, 0.05)])
    values, vectors = np.linalg.eigh(design @ design.T)
    squares = (vectors.T @ y) ** 2
    prior = lgamma(gamma.sum() + 1) + lgamma(9 - gamma.sum()) - lgamma(10)
    for j, sigma in enumerate(sigmas):
        variances = np.maximum(values, 0) + sigma**2
        likelihood = -0.5 * (np.log(2 * pi * variances) + squares / variances).sum()
        half_normal = -0.5 * log(2 * pi) - 0.5 * (sigma / 2) ** 2
        log_joint[i, j] = prior + likelihood + half_normal + log(sigma)
weights = np.exp(log_joint - log_joint.max())
width = log(sigmas[1] / sigmas[0])
print(f"log p(y) = {log_joint.max() + log(weights.sum() * width):.3f}")
weights /= weights.sum()
print("mean of gamma:", (weights.sum(1) @ gammas).round(3))
print("mean of size:", (weights.sum(1) @ gammas.sum(1)).round(3), " mean of sigma:", (weights.sum(0) @ sigmas).round(4))
