"""Writes stochastic_volatility.json: 150 days of returns whose log variance is an autoregression."""

import json

import numpy as np

MU, PHI, SIGMA = -1.0, 0.95, 0.25

rng = np.random.default_rng(22)
h = MU + rng.normal(0, SIGMA / np.sqrt(1 - PHI**2))
y = []
for _ in range(150):
    y.append(round(rng.normal(0, np.exp(h / 2)), 4))
    h = MU + PHI * (h - MU) + rng.normal(0, SIGMA)
with open("stochastic_volatility.json", "w") as out:
    json.dump({"y": y}, out)
    out.write("\n")
