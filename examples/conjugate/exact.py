"""Prints the exact posterior of conjugate.json, and its evidence."""

import json
from math import lgamma, log

with open("conjugate.json") as file:
    data = json.load(file)
heads, calls = data["heads"], data["calls"]


def lbeta(a, b):
    return lgamma(a) + lgamma(b) - lgamma(a + b)


h, total = sum(heads), sum(calls)
t = len(heads) - h
print(f"p ~ Beta({2 + h}, {2 + t}), rate ~ Gamma({2 + total}, {0.5 + len(calls)})")
coin = lbeta(2 + h, 2 + t) - lbeta(2, 2)
counter = 2 * log(0.5) - lgamma(2) + lgamma(2 + total) - (2 + total) * log(0.5 + len(calls))
counter -= sum(lgamma(c + 1) for c in calls)
print(f"log p(heads, calls) = {coin:.4f} + {counter:.4f} = {coin + counter:.5f}")
