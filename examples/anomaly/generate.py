"""Writes anomaly.json: 1,000 points in 8 dimensions. 950 lie around a curved surface; 50, the last ones, only share
their mean and covariance. Prints how well linear methods tell them apart."""

import json

import numpy as np

rng = np.random.default_rng(5)
N, ODD, P = 1000, 50, 8
u = rng.normal(0, 1, (N, 2))
surface = np.tanh(u @ rng.normal(0, 1.5, (2, 12)) + rng.normal(0, 1, 12)) @ rng.normal(0, 0.6, (12, P))
x = surface + rng.normal(0, 0.15, (N, P))
odd = np.arange(N - ODD, N)
good = np.arange(N - ODD)
x[odd] = rng.multivariate_normal(x[good].mean(0), np.cov(x[good].T), ODD)
x = x.round(3)
with open("anomaly.json", "w") as out:
    json.dump({"x": x.tolist()}, out)
    out.write("\n")


def auc(score):
    """The chance that an odd point has a higher score than a good one."""
    return np.mean(score[odd][:, None] > score[good])


centred = x - x.mean(0)
values, vectors = np.linalg.eigh(np.cov(x.T))
print(f"distance from the mean: AUC {auc((centred**2).sum(1)):.3f}")
print(f"Mahalanobis distance: AUC {auc((centred * np.linalg.solve(np.cov(x.T), centred.T).T).sum(1)):.3f}")
for k in [1, 2, 3, 4, 5]:
    rest = vectors[:, : P - k]
    print(f"residual of {k} principal components: AUC {auc(((centred @ rest) ** 2).sum(1)):.3f}")
