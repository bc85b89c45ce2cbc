"""Writes gp_counts.json: counts in 60 weeks whose log rate is a draw of a Gaussian process. Prints rates, and the posterior of two numbers."""

import json
from math import lgamma, log, pi

import numpy as np

LEVEL, AMPLITUDE, LENGTH = 1.5, 0.8, 6.0

rng = np.random.default_rng(1)
week = np.arange(1, 61)


def covariance(amplitude, length):
    return amplitude**2 * np.exp(-0.5 * ((week[:, None] - week) / length) ** 2) + 1e-8 * np.eye(60)


f = np.linalg.cholesky(covariance(AMPLITUDE, LENGTH)) @ rng.normal(0, 1, 60)
count = rng.poisson(np.exp(LEVEL + f))
with open("gp_counts.json", "w") as out:
    json.dump({"week": week.tolist(), "count": count.tolist()}, out)
    out.write("\n")
print("rates in weeks 10, 30 and 50:", np.exp(LEVEL + f)[[9, 29, 49]].round(2))

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
