"""Prints log p(data) and the posterior of N for capture_recapture.json, the chances of being caught integrated out."""

import json
from math import lgamma

import numpy as np


def log_choose(n, k):
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


with open("capture_recapture.json") as file:
    data = json.load(file)
fresh, marked = data["fresh"], data["marked"]
before = np.cumsum([0] + fresh)

# Of an evening on which c of N animals are caught, Beta(1, 1) leaves c! (N − c)! / (N + 1)!.
sizes, log_joint = np.arange(before[-1], 401), []
for n in map(int, sizes):
    total = -np.log(401)
    for t, (u, m) in enumerate(zip(fresh, marked)):
        b, c = int(before[t]), u + m
        total += log_choose(n - b, u) + log_choose(b, m) - log_choose(n, c) - np.log(n + 1)
    log_joint.append(total)
log_joint = np.array(log_joint)
weights = np.exp(log_joint - log_joint.max())
print(f"log p(data) = {log_joint.max() + np.log(weights.sum()):.5f}")
weights /= weights.sum()
mean = weights @ sizes
print(f"N: mean {mean:.3f}, sd {np.sqrt(weights @ (sizes - mean) ** 2):.3f}")
ends = [sizes[np.searchsorted(np.cumsum(weights), q)] for q in (0.05, 0.5, 0.95)]
print("quantiles:", *ends)
