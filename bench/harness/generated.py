"""Data for the models of `bench/models`, drawn from the models themselves with fixed seeds.

Each function gives `{name: array}`; `Folder` writes them as `NAME.npy`, which the driver reads.
"""
import tempfile
from pathlib import Path

import numpy as np


class Folder:
    """A temporary folder of arrays, to be used in a `with`."""

    def __init__(self, data):
        self.folder = tempfile.TemporaryDirectory(prefix="elbo-bench-")
        for name, values in data.items():
            np.save(Path(self.folder.name) / f"{name}.npy", np.asarray(values, dtype="<f8", order="C"))

    def __enter__(self):
        return self.folder.name

    def __exit__(self, *_):
        self.folder.cleanup()


def topics(documents=100, words=64, topics=8, vocabulary=1024):
    random = np.random.default_rng(2)
    phi = random.dirichlet(np.full(vocabulary, 0.1), topics)
    theta = random.dirichlet(np.full(topics, 0.3), documents)
    w = [[random.choice(vocabulary, p=phi[k]) for k in random.choice(topics, words, p=t)] for t in theta]
    return {"w": np.array(w) + 1, "V": vocabulary, "K": topics}


def mixture(rows=1000, components=8):
    random = np.random.default_rng(3)
    component = random.integers(components, size=rows)
    return {"y": np.linspace(-8, 8, components)[component] + 0.7 * random.standard_normal(rows), "K": components}


def hmm(steps=10_000, states=8):
    random = np.random.default_rng(4)
    P = 0.6 * np.eye(states) + 0.4 * random.dirichlet(np.ones(states), states)
    state, y = 0, np.empty(steps)
    for t in range(steps):
        state = random.choice(states, p=P[state])
        y[t] = 3.0 * state + random.standard_normal()
    return {"y": y, "K": states}


def linear(rows):
    random = np.random.default_rng(5)
    x = random.standard_normal(rows)
    return {"x": x, "y": 1.0 + 0.5 * x + 0.8 * random.standard_normal(rows)}


def autoregression(rows, lags=5):
    random = np.random.default_rng(6)
    noise, y = random.standard_normal(rows), np.zeros(rows)
    for t in range(2, rows):
        y[t] = 0.2 + 0.5 * y[t - 1] - 0.3 * y[t - 2] + noise[t]
    return {"y": y, "K": lags}


def logistic(rows, columns):
    random = np.random.default_rng(7)
    X = random.standard_normal((rows, columns))
    logit = X @ np.linspace(-0.5, 0.5, columns)
    return {"X": X, "y": (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(float)}


def network(rows, columns, hidden, classes):
    random = np.random.default_rng(9)
    X = random.standard_normal((rows, columns))
    logits = np.tanh(X @ random.standard_normal((columns, hidden))) @ random.standard_normal((hidden, classes))
    return {"X": X, "y": 1 + np.argmax(logits + random.gumbel(size=logits.shape), 1), "H": hidden, "C": classes}


def garch(days):
    random = np.random.default_rng(8)
    noise, y, v, e = random.standard_normal(days), np.empty(days), 1.0, 0.0
    for t in range(days):
        v = 0.2 + 0.2 * e * e + 0.6 * v if t else 1.0
        e = np.sqrt(v) * noise[t]
        y[t] = 1.0 + e
    return {"y": y, "sigma1": 1.0}
