"""Writes garch.json: 500 returns of a GARCH(1, 1) process with known parameters."""

import json
import math
import random

MU, OMEGA, ALPHA, BETA = 0.05, 0.1, 0.2, 0.7

rng = random.Random(23)
variance = OMEGA / (1 - ALPHA - BETA)
y = []
for _ in range(500):
    shock = math.sqrt(variance) * rng.gauss(0, 1)
    y.append(round(MU + shock, 4))
    variance = OMEGA + ALPHA * shock**2 + BETA * variance
with open("garch.json", "w") as out:
    json.dump({"y": y}, out)
    out.write("\n")
