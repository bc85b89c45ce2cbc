"""Writes two_modes.json, and prints the Normals that are best near either mode by the divergence that fits minimise."""

import json

import numpy as np

SHARE, CENTRE = np.array([0.7, 0.3]), np.array([-3.0, 3.0])

with open("two_modes.json", "w") as out:
    json.dump({"share": SHARE.tolist(), "centre": CENTRE.tolist()}, out)
    out.write("\n")

z, step = np.linspace(-12, 12, 20001, retstep=True)
weight = np.exp(-0.5 * z**2) * step / np.sqrt(2 * np.pi)


def near(mean):
    """Mean, sd and KL of the optimum near `mean`, by the equations E[d log p / dx] = 0 and E[z d log p / dx] = -1 / sd, over and over."""
    sd = 1.0
    for _ in range(1000):
        x = mean + sd * z
        parts = SHARE * np.exp(-0.5 * (x[:, None] - CENTRE) ** 2) / np.sqrt(2 * np.pi)
        p = parts.sum(1)
        score = (parts * (CENTRE - x[:, None])).sum(1) / p
        kl = weight @ (-0.5 * z**2 - np.log(sd) - 0.5 * np.log(2 * np.pi) - np.log(p))
        mean, sd = mean + weight @ score, -1 / (weight @ (z * score))
    return mean, sd, kl


for start in CENTRE:
    print("mean {:.5f}, sd {:.5f}, KL {:.6f}".format(*near(start)))
