"""Writes sparse_gaussian_process.json: 100 noisy values of a draw of a Gaussian process, and 16 inducing points. Prints what the dense
process says of them."""

import json
from math import lgamma, log, pi

import numpy as np

AMPLITUDE, LENGTH, SIGMA = 1.5, 1.2, 0.3
N, M = 100, 16

rng = np.random.default_rng(25)
x = np.sort(rng.uniform(0, 10, N)).round(3)
z = np.linspace(0, 10, M).round(3)


def kernel(a, b, amplitude, length):
    return amplitude**2 * np.exp(-0.5 * ((a[:, None] - b) / length) ** 2)


y = np.linalg.cholesky(kernel(x, x, AMPLITUDE, LENGTH) + 1e-10 * np.eye(N)) @ rng.normal(0, 1, N)
y = (y + rng.normal(0, SIGMA, N)).round(3)
with open("sparse_gaussian_process.json", "w") as out:
    json.dump({"x": x[:, None].tolist(), "y": y.tolist(), "z": z[:, None].tolist()}, out)
    out.write("\n")


def log_normal(covariance):
    low = np.linalg.cholesky(covariance)
    return -0.5 * np.sum(np.linalg.solve(low, y) ** 2) - np.log(np.diag(low)).sum() - N / 2 * log(2 * pi)


def dense(amplitude, length, sigma):
    return log_normal(kernel(x, x, amplitude, length) + sigma**2 * np.eye(N))


def bound(amplitude, length, sigma):
    """Titsias (2009), equation 9, by matrices of all points."""
    cross = kernel(x, z, amplitude, length)
    nystrom = cross @ np.linalg.solve(kernel(z, z, amplitude, length) + 1e-8 * np.eye(M), cross.T)
    return log_normal(nystrom + sigma**2 * np.eye(N)) - (N * amplitude**2 - np.trace(nystrom)) / (2 * sigma**2)


for at in [(1.5, 1.2, 0.3), (1.0, 0.8, 0.4), (2.5, 2.0, 0.25), (0.7, 0.5, 0.6)]:
    print(at, f"dense {dense(*at):.6f}, bound {bound(*at):.8f}")

# The posterior of the dense process on a grid of three logarithms, with the program's priors and the Jacobian.
amplitude, length, sigma = (np.exp(np.linspace(log(a), log(b), 21)) for a, b in [(0.4, 4.5), (0.7, 2.6), (0.2, 0.45)])
log_prior = [
    log(2) - 0.5 * log(2 * pi * 4) - amplitude**2 / 8 + np.log(amplitude),
    5 * log(5) - lgamma(5) - 6 * np.log(length) - 5 / length + np.log(length),
    log(2) - 0.5 * log(2 * pi) - sigma**2 / 2 + np.log(sigma),
]
log_joint = np.array([[[dense(a, l, s) for s in sigma] for l in length] for a in amplitude])
log_joint += log_prior[0][:, None, None] + log_prior[1][:, None] + log_prior[2]
weight = np.exp(log_joint - log_joint.max())
cell = np.prod([log(value[1] / value[0]) for value in (amplitude, length, sigma)])
print(f"log p(y) = {log_joint.max() + log(weight.sum() * cell):.4f}")
for name, value, others in [("amplitude", amplitude, (1, 2)), ("length", length, (0, 2)), ("sigma", sigma, (0, 1))]:
    share = weight.sum(others) / weight.sum()
    mean = share @ value
    print(f"{name}: mean {mean:.4f}, sd {np.sqrt(share @ (value - mean) ** 2):.4f}; at the ends {share[0]:.0e}, {share[-1]:.0e}")
