"""Writes linear_regression.csv: 80 seedlings simulated from known values."""

import random
from statistics import mean

ALPHA, B_LIGHT, B_WATER, SIGMA = 20.0, 2.0, -0.8, 3.0

rng = random.Random(20)
light = [round(rng.uniform(4, 14), 1) for _ in range(80)]
water = [round(rng.uniform(1, 9), 1) for _ in range(80)]
with open("linear_regression.csv", "w") as out:
    out.write("light,water,growth\n")
    for l, w in zip(light, water):
        growth = rng.gauss(ALPHA + B_LIGHT * (l - mean(light)) + B_WATER * (w - mean(water)), SIGMA)
        out.write(f"{l},{w},{growth:.2f}\n")
