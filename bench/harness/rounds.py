"""Turns systems to time into medians and spreads, in alternating rounds of one run."""
from typing import NamedTuple

import numpy as np


class Times(NamedTuple):
    """The median over rounds and half the distance of the quartiles, in seconds (or what was given)."""
    middle: float
    spread: float


def summary(values):
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return Times(float(middle), float((high - low) / 2))


def alternate(systems, rounds):
    """Calls each of `{name: function without arguments}` once in a round; what they give is summarised.

    A first round, which warms caches, is left out. Systems that are `None` are skipped.
    """
    present = {name: measure for name, measure in systems.items() if measure}
    for measure in present.values():
        measure()
    values = {name: [] for name in present}
    for _ in range(rounds):
        for name, measure in present.items():
            values[name].append(measure())
    return {name: summary(values[name]) if name in present else None for name in systems}
