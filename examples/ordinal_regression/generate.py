"""Writes ordinal_regression.json: answers 1 to 5 of 200 guests, simulated from known cutpoints."""

import json

import numpy as np

N, BETA, CUTPOINTS = 200, [1.0, -0.7], [-2.5, -1.0, 0.5, 2.0]

rng = np.random.default_rng(33)
x = rng.normal(0, 1, (N, 2)).round(2)
# An answer is the interval between cutpoints that a logistic variable around x · beta falls in.
answer = 1 + np.searchsorted(CUTPOINTS, x @ BETA + rng.logistic(0, 1, N))
with open("ordinal_regression.json", "w") as out:
    json.dump({"x": x.tolist(), "answer": answer.tolist()}, out)
    out.write("\n")
