"""Writes mixture.json: 400 points of three groups."""

import json

import numpy as np

SHARE, MU, SIGMA = [0.3, 0.5, 0.2], np.array([-4.0, 0.0, 3.5]), np.array([0.8, 1.0, 0.6])

rng = np.random.default_rng(14)
group = rng.choice(3, 400, p=SHARE)
y = rng.normal(MU[group], SIGMA[group]).round(3)
with open("mixture.json", "w") as out:
    json.dump({"y": y.tolist()}, out)
    out.write("\n")
