"""Writes horseshoe.json: 100 rows of 20 predictors, of which three have an effect. Prints what least squares make of the others."""

import json

import numpy as np

N, K, ALPHA, SIGMA = 100, 20, 0.5, 1.0
BETA = np.zeros(K)
BETA[[2, 6, 9]] = [1.5, -1.0, 0.7]

rng = np.random.default_rng(36)
x = rng.normal(0, 1, (N, K)).round(2)
y = rng.normal(ALPHA + x @ BETA, SIGMA).round(3)
with open("horseshoe.json", "w") as out:
    json.dump({"x": x.tolist(), "y": y.tolist()}, out)
    out.write("\n")

fitted = np.linalg.lstsq(np.column_stack([x, np.ones(N)]), y, rcond=None)[0][:K]
others = fitted[BETA == 0]
print(f"least squares: the 17 others are {np.sqrt((others**2).mean()):.3f} off as a root mean square, {abs(others).max():.3f} at most")
