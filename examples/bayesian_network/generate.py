"""Writes bayesian_network.json: 40 points of sin(2x) with noise of sd 0.2, none of them between -0.7 and 0.7, and 100 others from all of -2 to 2."""

import json

import numpy as np

rng = np.random.default_rng(2)
x = np.concatenate([rng.uniform(-2, -0.7, 20), rng.uniform(0.7, 2, 20)]).round(3)
y = (np.sin(2 * x) + rng.normal(0, 0.2, 40)).round(3)
x_new = rng.uniform(-2, 2, 100).round(3)
y_new = (np.sin(2 * x_new) + rng.normal(0, 0.2, 100)).round(3)
grid = np.arange(-2, 2.1, 0.5)
arrays = {"x": x, "y": y, "grid": grid, "x_new": x_new, "y_new": y_new}
with open("bayesian_network.json", "w") as out:
    json.dump({name: array.tolist() for name, array in arrays.items()}, out)
    out.write("\n")
