"""Writes varying_slopes.csv: waiting times at 20 cafes, simulated from known means, sds and a known correlation."""

import numpy as np

CAFES = ["Arbor", "Bistro", "Cantina", "Dolce", "Espresso", "Forno", "Gusto", "Havana", "Isola", "Java",
         "Kaldi", "Lungo", "Mokka", "Napoli", "Opera", "Piazza", "Quarta", "Ristretto", "Siena", "Torino"]
LEVEL, SLOPE, SD_LEVEL, SD_SLOPE, RHO, SIGMA = 5.0, -1.0, 1.2, 0.5, -0.6, 0.5
VISITS = 20

rng = np.random.default_rng(35)
covariance = [[SD_LEVEL**2, RHO * SD_LEVEL * SD_SLOPE], [RHO * SD_LEVEL * SD_SLOPE, SD_SLOPE**2]]
effects = rng.multivariate_normal([LEVEL, SLOPE], covariance, len(CAFES))
with open("varying_slopes.csv", "w") as out:
    out.write("cafe,afternoon,wait\n")
    for cafe, (level, slope) in zip(CAFES, effects):
        # Half of the visits in the morning: -0.5 and 0.5 make level and slope independent of one another.
        for visit in range(VISITS):
            afternoon = visit % 2
            wait = rng.normal(level + slope * (afternoon - 0.5), SIGMA)
            out.write(f"{cafe},{afternoon},{wait:.2f}\n")
