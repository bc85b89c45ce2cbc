"""Writes hmm.json: 300 steps of a chain that stays in its regimes, around -1 and 2, with chances 0.95 and 0.9."""

import json

import numpy as np

MU, SIGMA, STAY = [-1.0, 2.0], 1.0, [0.95, 0.9]

rng = np.random.default_rng(12)
state, y = 0, []
for _ in range(300):
    y.append(round(rng.normal(MU[state], SIGMA), 3))
    if rng.random() > STAY[state]:
        state = 1 - state
with open("hmm.json", "w") as out:
    json.dump({"y": y}, out)
    out.write("\n")
