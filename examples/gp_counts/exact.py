"""Prints how near the approximation of gp_counts.vi is to the Gaussian process, and the posterior of two numbers for gp_counts.json."""

import json
from math import lgamma, log, pi

import numpy as np

with open("gp_counts.json") as file:
    data = json.load(file)
week, count = np.array(data["week"]), np.array(data["count"])


def covariance(amplitude, length):
    return amplitude**2 * np.exp(-0.5 * ((week[:, None] - week) / length) ** 2) + 1e-8 * np.eye(60)


# The approximation: 30 sines on an interval from -45 to 45 around the middle week.
j = np.arange(1, 31)
basis = np.sin(pi * j * (week[:, None] - 30.5 + 45) / 90) / np.sqrt(45)
for length in [3, 4, 6, 10]:
    density = np.sqrt(2 * pi) * length * np.exp(-0.5 * (pi * j / 90 * length) ** 2)
    error = np.abs((basis * density) @ basis.T - covariance(1, length)).max()
    print(f"length {length}: correlations of the approximation are off by up to {error:.4f}")


def log_likelihood(amplitude, length):
    """Of all counts, the level integrated too, by Laplace's method (Rasmussen & Williams 2006, algorithm 3.1)."""
    k = covariance(amplitude, length) + 2.0**2
    f = np.full(60, log(count.mean()))
    for _ in range(50):
        root = np.exp(f / 2)
        low = np.linalg.cholesky(np.eye(60) + root[:, None] * k * root)
        b = root**2 * f + count - root**2
        a = b - root * np.linalg.solve(low.T, np.linalg.solve(low, root * (k @ b)))
        f = k @ a
    terms = count * f - np.exp(f) - [lgamma(c + 1) for c in count]
    return -0.5 * a @ f + terms.sum() - np.log(np.diag(low)).sum()


# On a grid of both logarithms, with the program's priors and the Jacobian.
amplitude, length = np.exp(np.linspace(log(0.15), log(2.5), 25)), np.exp(np.linspace(log(1.5), log(15), 25))
log_prior = (log(2) - 0.5 * log(2 * pi) - amplitude**2 / 2 + np.log(amplitude))[:, None]
log_prior = log_prior + 5 * log(25) - lgamma(5) - 6 * np.log(length) - 25 / length + np.log(length)
log_joint = np.array([[log_likelihood(a, l) for l in length] for a in amplitude]) + log_prior
weight = np.exp(log_joint - log_joint.max())
cell = log(amplitude[1] / amplitude[0]) * log(length[1] / length[0])
print(f"log p(y) = {log_joint.max() + log(weight.sum() * cell):.2f}")
for name, value, share in [("amplitude", amplitude, weight.sum(1)), ("length", length, weight.sum(0))]:
    mean = share @ value / share.sum()
    print(f"{name}: mean {mean:.2f}, sd {np.sqrt(share @ (value - mean) ** 2 / share.sum()):.2f}")
