"""Writes hierarchical_regression.csv: ten farms, simulated from known means and sds."""

import random

FARMS = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel", "Ivy", "Juniper"]
MU_LEVEL, SD_LEVEL = 6.0, 1.0
MU_SLOPE, SD_SLOPE = 0.8, 0.4
SIGMA = 0.5

rng = random.Random(22)
with open("hierarchical_regression.csv", "w") as out:
    out.write("farm,rain,harvest\n")
    for farm in FARMS:
        level = rng.gauss(MU_LEVEL, SD_LEVEL)
        slope = rng.gauss(MU_SLOPE, SD_SLOPE)
        # Few years of one farm, many of another: the few lean on the others.
        for _ in range(rng.randint(4, 20)):
            rain = round(rng.gauss(0, 1), 2)
            harvest = rng.gauss(level + slope * rain, SIGMA)
            out.write(f"{farm},{rain},{harvest:.3f}\n")
