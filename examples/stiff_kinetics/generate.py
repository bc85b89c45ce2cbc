"""Writes stiff_kinetics.json: Robertson's reactions at 20 times, measured with 5 % of noise. Needs SciPy."""

import json
import math
import random

from scipy.integrate import solve_ivp

K1, K2, K3, SIGMA = 0.04, 3e7, 1e4, 0.05


def reactions(t, y):
    slow, fast, back = K1 * y[0], K2 * y[1] ** 2, K3 * y[1] * y[2]
    return [back - slow, slow - back - fast, fast]


rng = random.Random(17)
seconds = [float(f"{10 ** (-2 + 6 * i / 19):.3g}") for i in range(20)]
solution = solve_ivp(
    reactions, (0, seconds[-1]), [1, 0, 0], t_eval=seconds, method="Radau", rtol=1e-10, atol=1e-16
)
share = [
    [float(f"{x * math.exp(SIGMA * rng.gauss(0, 1)):.5g}") for x in row] for row in solution.y.T
]
with open("stiff_kinetics.json", "w") as out:
    json.dump({"seconds": seconds, "share": share}, out)
    out.write("\n")
