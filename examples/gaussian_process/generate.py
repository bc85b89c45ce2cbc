"""Writes gaussian_process.json: 25 noisy values of one draw of a Gaussian process."""

import json
import math
import random

AMPLITUDE, LENGTH, SIGMA = 1.5, 1.2, 0.3

rng = random.Random(24)
x = sorted(round(rng.uniform(0, 10), 2) for _ in range(25))
n = len(x)
cov = [
    [AMPLITUDE**2 * math.exp(-0.5 * ((x[i] - x[j]) / LENGTH) ** 2) + (SIGMA**2 if i == j else 0) for j in range(n)]
    for i in range(n)
]
# Cholesky factor, row by row; y = L z has covariance L L'.
low = [[0.0] * n for _ in range(n)]
for i in range(n):
    for j in range(i + 1):
        rest = cov[i][j] - sum(low[i][k] * low[j][k] for k in range(j))
        low[i][j] = math.sqrt(rest) if i == j else rest / low[j][j]
z = [rng.gauss(0, 1) for _ in range(n)]
y = [round(sum(low[i][k] * z[k] for k in range(i + 1)), 4) for i in range(n)]
with open("gaussian_process.json", "w") as out:
    json.dump({"x": x, "y": y}, out)
    out.write("\n")
