"""Writes topics.json: 2,000 documents of 60 words on 5 topics. Topic k begins with word 10 k + 1, and each further word has 0.85 times the chance."""

import json

import numpy as np

D, V, K, WORDS = 2000, 50, 5, 60

rng = np.random.default_rng(21)
topic = 0.85 ** ((np.arange(V) - 10 * np.arange(K)[:, None]) % V)
topic /= topic.sum(axis=1, keepdims=True)
share = rng.dirichlet(np.full(K, 0.3), D)
counts = [rng.multinomial(WORDS, p).tolist() for p in share @ topic]
with open("topics.json", "w") as out:
    json.dump({"K": K, "counts": counts}, out, separators=(",", ":"))
    out.write("\n")
