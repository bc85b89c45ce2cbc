"""Writes probabilistic_pca.json: 200 points in 5 dimensions around a plane. Prints the greatest likelihood and its noise."""

import json

import numpy as np

rng = np.random.default_rng(1)
N, P, K = 200, 5, 2
plane = rng.normal(0, 1, (P, K))
x = (rng.normal(0, 1, (N, K)) @ plane.T + rng.normal(0, 0.5, (N, P)) + rng.normal(0, 1, P)).round(3)
with open("probabilistic_pca.json", "w") as out:
    json.dump({"x": x.tolist()}, out)
    out.write("\n")

# Tipping & Bishop (1999), equations 8 and 9: the noise's variance is the mean of the eigenvalues that are left out.
eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
noise = eigenvalues[K:].mean()
terms = P * np.log(2 * np.pi) + np.log(eigenvalues[:K]).sum() + (P - K) * np.log(noise) + P
print(f"log p(x) = {-N / 2 * terms:.4f}, noise {np.sqrt(noise):.4f}")
