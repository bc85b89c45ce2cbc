"""Writes conjugate.json: 30 tosses of a coin that shows heads with probability 0.7, and calls on 12 days at 4 a day."""

import json
from math import lgamma, log

import numpy as np

rng = np.random.default_rng(5)
heads = rng.binomial(1, 0.7, 30)
calls = rng.poisson(4.0, 12)
with open("conjugate.json", "w") as out:
    json.dump({"heads": heads.tolist(), "calls": calls.tolist()}, out)
    out.write("\n")


def lbeta(a, b):
    return lgamma(a) + lgamma(b) - lgamma(a + b)


h, t, total = int(heads.sum()), int((1 - heads).sum()), int(calls.sum())
print(f"p ~ Beta({2 + h}, {2 + t}), rate ~ Gamma({2 + total}, {0.5 + len(calls)})")
coin = lbeta(2 + h, 2 + t) - lbeta(2, 2)
counter = 2 * log(0.5) - lgamma(2) + lgamma(2 + total) - (2 + total) * log(0.5 + len(calls))
counter -= sum(lgamma(c + 1) for c in calls)
print(f"log p(heads, calls) = {coin:.4f} + {counter:.4f} = {coin + counter:.4f}")
