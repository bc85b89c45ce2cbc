"""Writes local_trend.json: 15 years of quarterly numbers with a level, a slope and a season that all move. Prints log likelihoods."""

import json

import numpy as np

LEVEL_SD, SLOPE_SD, SEASON_SD, NOISE_SD = 0.3, 0.1, 0.2, 0.5

rng = np.random.default_rng(5)
T = 60
F = np.array([[1, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, -1, -1, -1], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]], float)
H = np.array([1, 0, 1, 0, 0], float)
M0, S0 = np.array([10, 0, 0, 0, 0], float), np.array([5, 1, 3, 3, 3], float)

state = np.array([10, 0.3, 2, -1, -2.5])
y = []
for _ in range(T):
    y.append(round(H @ state + rng.normal(0, NOISE_SD), 3))
    state = F @ state + np.array([LEVEL_SD, SLOPE_SD, SEASON_SD, 0, 0]) * rng.normal(0, 1, 5)
with open("local_trend.json", "w") as out:
    json.dump({"y": y}, out)
    out.write("\n")


def log_likelihood(level_sd, slope_sd, season_sd, noise_sd):
    """Of all observations together, without a filter: a Normal whose covariance adds up what every shock does to what comes after it."""
    ahead = [H @ np.linalg.matrix_power(F, t) for t in range(T)]
    covariance = noise_sd**2 * np.eye(T)
    for start in range(T):
        sds = S0 if start == 0 else np.array([level_sd, slope_sd, season_sd, 0, 0])
        effect = np.array([ahead[t - start] * sds if t >= start else 0 * sds for t in range(T)])
        covariance += effect @ effect.T
    rest = np.array(y) - np.array([row @ M0 for row in ahead])
    return -0.5 * (rest @ np.linalg.solve(covariance, rest) + np.linalg.slogdet(2 * np.pi * covariance)[1])


for sds in [(0.3, 0.1, 0.2, 0.5), (1.0, 0.01, 0.5, 0.2), (0.05, 0.4, 0.02, 1.5)]:
    print(sds, f"{log_likelihood(*sds):.10f}")
