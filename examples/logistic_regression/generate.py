"""Writes logistic_regression.csv: 200 plants simulated from known coefficients."""

import math
import random

ALPHA, BETA = 0.5, [1.5, -1.0, 0.0]

rng = random.Random(21)
with open("logistic_regression.csv", "w") as out:
    out.write("x.1,x.2,x.3,flowers\n")
    for _ in range(200):
        x = [round(rng.gauss(0, 1), 3) for _ in BETA]
        logit = ALPHA + sum(b * v for b, v in zip(BETA, x))
        flowers = rng.random() < 1 / (1 + math.exp(-logit))
        out.write(",".join(map(str, x)) + f",{str(flowers).lower()}\n")
