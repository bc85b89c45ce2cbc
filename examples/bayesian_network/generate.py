"""Writes bayesian_network.json: 40 points of sin(2x) with noise of sd 0.2, none of them between -0.7 and 0.7."""

import json

import numpy as np

rng = np.random.default_rng(2)
x = np.concatenate([rng.uniform(-2, -0.7, 20), rng.uniform(0.7, 2, 20)]).round(3)
y = (np.sin(2 * x) + rng.normal(0, 0.2, 40)).round(3)
grid = np.arange(-2, 2.1, 0.5)
with open("bayesian_network.json", "w") as out:
    json.dump({"x": x.tolist(), "y": y.tolist(), "grid": grid.tolist()}, out)
    out.write("\n")
