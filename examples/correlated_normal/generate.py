"""Writes correlated_normal.json: the covariance of two Normal numbers. Prints what the best guide without correlations is."""

import json

import numpy as np

RHO, CENTRE, SCALE = 0.8, [1, -1], [1, 2]

with open("correlated_normal.json", "w") as out:
    json.dump({"rho": RHO, "centre": CENTRE, "scale": SCALE}, out)
    out.write("\n")

# Bishop (2006), section 10.1.2: precisions are the diagonal of the inverse covariance.
covariance = np.array([[SCALE[0] ** 2, RHO * SCALE[0] * SCALE[1]], [RHO * SCALE[0] * SCALE[1], SCALE[1] ** 2]])
variances = 1 / np.diag(np.linalg.inv(covariance))
kl = 0.5 * (np.linalg.slogdet(covariance)[1] - np.log(variances).sum())
print(f"sds {np.sqrt(variances)}, KL {kl:.6f} = -1/2 log(1 - rho^2) = {-0.5 * np.log(1 - RHO**2):.6f}")
