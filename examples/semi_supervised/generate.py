"""Writes semi_supervised.npz: the digits 0 to 3 of the 8 x 8 images that scikit-learn brings, ten of each labelled, which stand first.
Prints how many of the others classifiers get right that see the labelled ones alone.

Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, CC BY 4.0.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

CLASSES, LABELLED = 4, 10

rng = np.random.default_rng(3)
digits = load_digits()
keep = digits.target < CLASSES
white, truth = digits.images[keep].reshape(-1, 64) > 8, digits.target[keep] + 1
first = np.concatenate([rng.choice(np.flatnonzero(truth == c), LABELLED, replace=False) for c in range(1, CLASSES + 1)])
rest = np.setdiff1d(np.arange(len(truth)), first)
white, truth = white[np.append(first, rest)], truth[np.append(first, rest)]
label = np.where(np.arange(len(truth)) < len(first), truth, 0)
np.savez_compressed("semi_supervised.npz", white=white.astype(np.uint8), label=label.astype(np.uint8), truth=truth.astype(np.uint8), K=np.int32(CLASSES))

n = len(first)
for penalty in [0.01, 0.1, 1, 10, 100]:
    classifier = LogisticRegression(C=1 / penalty, max_iter=10_000).fit(white[:n], truth[:n])
    print(f"logistic regression, penalty {penalty}: {classifier.score(white[n:], truth[n:]):.3f}")
print(f"nearest neighbour: {KNeighborsClassifier(1).fit(white[:n], truth[:n]).score(white[n:], truth[n:]):.3f}")
