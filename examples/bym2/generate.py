"""Writes bym2.json: cases of a disease in 40 districts of a map, 8 by 5, simulated from a known share of spatial variance."""

import json

import numpy as np

ROWS, COLUMNS, ALPHA, BETA, SIGMA, RHO = 5, 8, 0.2, 0.4, 0.6, 0.8

rng = np.random.default_rng(37)
N = ROWS * COLUMNS
number = np.arange(N).reshape(ROWS, COLUMNS)
pairs = [(a, b) for a, b in zip(number[:, :-1].ravel(), number[:, 1:].ravel())]
pairs += [(a, b) for a, b in zip(number[:-1].ravel(), number[1:].ravel())]
a, b = np.array(pairs).T
# The intrinsic conditional autoregression has the pseudo-inverse of the map's Laplacian as its covariance.
Q = np.zeros((N, N))
np.add.at(Q, (a, b), -1)
Q = Q + Q.T
Q -= np.diag(Q.sum(0))
covariance = np.linalg.pinv(Q)
scaling = np.exp(np.log(np.diag(covariance)).mean())
spatial = rng.multivariate_normal(np.zeros(N), covariance / scaling)
effect = SIGMA * (np.sqrt(RHO) * spatial + np.sqrt(1 - RHO) * rng.normal(0, 1, N))
smoking = rng.normal(0, 1, N).round(2)
expected = rng.uniform(20, 120, N).round(1)
cases = rng.poisson(expected * np.exp(ALPHA + BETA * smoking + effect))
with open("bym2.json", "w") as out:
    data = {"a": a + 1, "b": b + 1, "expected": expected, "smoking": smoking, "cases": cases}
    json.dump({name: values.tolist() for name, values in data.items()}, out)
    out.write("\n")
