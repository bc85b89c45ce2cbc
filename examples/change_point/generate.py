"""Writes change_point.json: counts of 60 years, at 4 a year for 35 years and at 1.5 from the 36th on."""

import json
from math import lgamma, log

import numpy as np

rng = np.random.default_rng(18)
count = np.concatenate([rng.poisson(4.0, 35), rng.poisson(1.5, 25)])
with open("change_point.json", "w") as out:
    json.dump({"count": count.tolist()}, out)
    out.write("\n")

# With Exponential(0.3) priors the rates can be integrated out for each year s in which the late one begins.
years, log_joint, means = np.arange(2, 61), [], []
for s in years:
    parts = [count[: s - 1], count[s - 1 :]]
    shapes = [1 + part.sum() for part in parts]
    rates = [0.3 + len(part) for part in parts]
    log_joint.append(sum(log(0.3) + lgamma(a) - a * log(b) for a, b in zip(shapes, rates)))
    means.append([shapes[0] / rates[0], shapes[1] / rates[1], s])
log_joint = np.array(log_joint) - sum(lgamma(c + 1) for c in count) - log(59)
weights = np.exp(log_joint - log_joint.max())
print(f"log p(count) = {log_joint.max() + log(weights.sum()):.4f}")
early, late, change = weights @ np.array(means) / weights.sum()
print(f"means: early {early:.4f}, late {late:.4f}, change {change:.3f}")
