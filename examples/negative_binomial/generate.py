"""Writes negative_binomial.json: catches of 120 nets, simulated with more spread than a Poisson distribution has."""

import json

import numpy as np

N, ALPHA, BETA, DISPERSION = 120, 2.0, [0.5, -0.3], 2.0

rng = np.random.default_rng(32)
x = rng.normal(0, 1, (N, 2)).round(2)
mean = np.exp(ALPHA + x @ BETA)
caught = rng.negative_binomial(DISPERSION, DISPERSION / (DISPERSION + mean))
with open("negative_binomial.json", "w") as out:
    json.dump({"x": x.tolist(), "caught": caught.tolist()}, out)
    out.write("\n")
