"""Writes item_response.json: answers of 80 people to 12 questions, abilities with sd 1.2, difficulties from -2 to 2."""

import json

import numpy as np

rng = np.random.default_rng(15)
ability = rng.normal(0, 1.2, 80)
difficulty = np.linspace(-2, 2, 12)
chance = 1 / (1 + np.exp(difficulty - ability[:, None]))
right = rng.binomial(1, chance)
with open("item_response.json", "w") as out:
    json.dump({"right": right.tolist()}, out)
    out.write("\n")
