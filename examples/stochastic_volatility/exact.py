"""Prints log p(y) and the posterior of mu, phi and sigma for stochastic_volatility.json."""

import json
from math import log, pi

import numpy as np

with open("stochastic_volatility.json") as file:
    y = json.load(file)["y"]


def log_likelihood(mu, phi, sigma):
    """By the forward algorithm, with h cut into 151 steps: sums over them are integrals over h."""
    spread = sigma / np.sqrt(1 - phi**2)
    h = np.linspace(-4.5, 4.5, 151) * spread
    moves = np.exp(-0.5 * ((h - phi * h[:, None]) / sigma) ** 2)
    moves /= moves.sum(1, keepdims=True)
    density = np.exp(-0.5 * np.square(y)[:, None] * np.exp(-mu - h) - 0.5 * (mu + h)) / np.sqrt(2 * pi)
    p, total = np.exp(-0.5 * (h / spread) ** 2), 0.0
    p /= p.sum()
    for seen in density:
        p = p * seen
        total += log(p.sum())
        p = p / p.sum() @ moves
    return total


# On a grid, with the program's priors and the Jacobians of tanh and exp.
mu, phi, sigma = np.linspace(-5.0, 4.0, 19), np.tanh(np.linspace(-1.5, 3.3, 17)), np.exp(np.linspace(log(0.05), log(1.3), 17))
log_joint = np.array([[[log_likelihood(m, f, s) for s in sigma] for f in phi] for m in mu])
log_joint += (-0.5 * log(2 * pi * 4) - mu**2 / 8)[:, None, None]
log_joint += (log(0.5) + np.log(1 - phi**2))[:, None]
log_joint += log(2) - 0.5 * log(2 * pi * 0.25) - sigma**2 / 0.5 + np.log(sigma)
weight = np.exp(log_joint - log_joint.max())
cell = (mu[1] - mu[0]) * 0.3 * log(sigma[1] / sigma[0])
print(f"log p(y) = {log_joint.max() + log(weight.sum() * cell):.1f}")
for name, value, others in [("mu", mu, (1, 2)), ("phi", phi, (0, 2)), ("sigma", sigma, (0, 1))]:
    share = weight.sum(others) / weight.sum()
    mean = share @ value
    print(f"{name}: mean {mean:.2f}, sd {np.sqrt(share @ (value - mean) ** 2):.2f}")
