"""Writes poisson_regression.csv: accidents at 150 junctions, simulated from known coefficients."""

import numpy as np

N, ALPHA, BETA = 150, -1.5, np.array([0.6, 0.4, -0.5])

rng = np.random.default_rng(31)
years = rng.uniform(0.5, 8, N).round(1)
x = rng.normal(0, 1, (N, 3))
x[:, 2] = rng.random(N) < 0.4
# Traffic and speed are standardised; of the roundabouts the mean is taken away in the program.
x = x.round(2)
accidents = rng.poisson(years * np.exp(ALPHA + (x - [0, 0, x[:, 2].mean()]) @ BETA))
with open("poisson_regression.csv", "w") as out:
    out.write("years,traffic,speed,roundabout,accidents\n")
    for row in zip(years, x[:, 0], x[:, 1], x[:, 2].astype(int), accidents):
        out.write(",".join(map(str, row)) + "\n")
