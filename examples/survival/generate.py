"""Writes survival.csv: times of 200 patients, simulated from a Weibull and cut off at the end of a study."""

import numpy as np

N, SHAPE, TYPICAL, B_TREATED, B_AGE = 200, 1.5, 4.0, -0.7, 0.4

rng = np.random.default_rng(34)
treated = rng.integers(0, 2, N)
age = rng.normal(60, 10, N).round()
log_hazard = B_TREATED * (treated - treated.mean()) + B_AGE * (age - age.mean()) / 10
time = TYPICAL * (rng.exponential(1, N) / np.exp(log_hazard)) ** (1 / SHAPE)
# Patients entered over three years and were followed until the fifth: some are alive then.
followed = rng.uniform(2, 5, N)
event = (time < followed).astype(int)
time = np.minimum(time, followed)
with open("survival.csv", "w") as out:
    out.write("time,event,treated,age\n")
    for row in zip(time.round(3), event, treated, age):
        out.write(",".join(map(str, row)) + "\n")
print(f"{event.mean():.2f} of the events were seen")
