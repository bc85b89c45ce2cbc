"""Writes linear_regression.csv: 80 seedlings simulated from known values."""

import random

ALPHA, B_LIGHT, B_WATER, SIGMA = 5.0, 2.0, -0.8, 3.0

rng = random.Random(20)
with open("linear_regression.csv", "w") as out:
    out.write("light,water,growth\n")
    for _ in range(80):
        light = round(rng.uniform(4, 14), 1)
        water = round(rng.uniform(1, 9), 1)
        growth = rng.gauss(ALPHA + B_LIGHT * light + B_WATER * water, SIGMA)
        out.write(f"{light},{water},{growth:.2f}\n")
