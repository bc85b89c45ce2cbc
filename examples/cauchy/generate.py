"""Writes cauchy.json, and prints the Normal that is nearest to Cauchy(0, 1) by the divergence that fits minimise."""

import json

import numpy as np

with open("cauchy.json", "w") as out:
    json.dump({"centre": 0, "scale": 1}, out)
    out.write("\n")

# KL = E[log q] + log pi + E[log(1 + s^2 z^2)]: sums over a fine grid are exact to rounding, as everything dies out at its ends.
z, step = np.linspace(-12, 12, 20001, retstep=True)
weight = np.exp(-0.5 * z**2) * step / np.sqrt(2 * np.pi)


def kl(s):
    return -0.5 * np.log(2 * np.pi * np.e) - np.log(s) + np.log(np.pi) + weight @ np.log1p((s * z) ** 2)


# Its derivative in s is -1 / s + E[2 s z^2 / (1 + s^2 z^2)], which rises.
low, high = 0.1, 10.0
while high - low > 1e-12:
    s = 0.5 * (low + high)
    if -1 / s + weight @ (2 * s * z**2 / (1 + (s * z) ** 2)) < 0:
        low = s
    else:
        high = s
print(f"sd {s:.6f}, KL {kl(s):.6f}")
