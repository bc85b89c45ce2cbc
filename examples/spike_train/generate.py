"""Writes spike_train.json: 2000 bins of a neuron with a receptive field in time and a refractory period."""

import json

import numpy as np

BASE = -1.5
FILTER = np.array([0.0, 0.3, 0.8, 0.6, 0.2, -0.2, -0.3, -0.1])
HISTORY = np.array([-3.0, -1.0, 0.3, 0.2])

rng = np.random.default_rng(8)
stimulus = rng.normal(0, 1, 2000).round(2)
spikes = np.zeros(2000, int)
for t in range(8, 2000):
    log_rate = BASE + FILTER @ stimulus[t - np.arange(8)] + HISTORY @ spikes[t - 1 - np.arange(4)]
    spikes[t] = rng.poisson(np.exp(log_rate))
with open("spike_train.json", "w") as out:
    json.dump({"stimulus": stimulus.tolist(), "spikes": spikes.tolist()}, out)
    out.write("\n")
print(f"{spikes.sum()} spikes")
