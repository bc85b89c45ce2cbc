"""Simulates dynamic_causal.json: three regions, attention on the forward connection from the first to the second."""

import json
import pathlib

import numpy as np

RNG = np.random.default_rng(11)
STEP, STEPS, EVERY = 0.25, 960, 8
KAPPA, GAMMA, TAU, ALPHA, RHO = 0.65, 0.41, 0.98, 0.32, 0.34

time = np.arange(STEPS) * STEP
# Motion is shown for 15 s of every 30; it is attended to in every second minute.
motion = (time % 30 < 15).astype(int)
attention = (time % 120 >= 60).astype(int) * motion
A = np.array([[-1, 0.1, 0], [0.3, -1, 0.2], [0, 0.4, -1]])
B = np.zeros((3, 3))
B[1, 0] = 0.6
x, s, f, v, q = (np.zeros(3) for _ in range(5))
signal = []
for t in range(STEPS):
    flow, volume, content = np.exp(f), np.exp(v), np.exp(q)
    if t % EVERY == 0:
        signal.append(2 * (7 * RHO * (1 - content) + 2 * (1 - content / volume) + (2 * RHO - 0.2) * (1 - volume)))
    outflow = volume ** (1 / ALPHA)
    extraction = 1 - (1 - RHO) ** (1 / flow)
    drive = (A + attention[t] * B) @ x + np.array([0.4 * motion[t], 0, 0])
    x, s, f, v, q = (
        x + STEP * drive,
        s + STEP * (x - KAPPA * s - GAMMA * (flow - 1)),
        f + STEP * s / flow,
        v + STEP * (flow - outflow) / (TAU * volume),
        q + STEP * (flow * extraction / RHO - outflow * content / volume) / (TAU * content),
    )
signal = np.array(signal)
noise = 0.3
bold = signal + noise * RNG.standard_normal(signal.shape)
data = {"motion": motion.tolist(), "attention": attention.tolist(), "bold": np.round(bold, 3).tolist(), "modulated": 1}
pathlib.Path(__file__).with_name("dynamic_causal.json").write_text(json.dumps(data) + "\n")
