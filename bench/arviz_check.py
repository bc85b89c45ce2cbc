"""Reads a draws.csv with ArviZ and checks what it holds against summary.csv. Run by hand:

    python3 bench/arviz_check.py FOLDER

where FOLDER is what `elbo fit --out FOLDER` wrote. Needs arviz 0.2x.
"""

import csv
import re
import sys
from pathlib import Path

import arviz
import numpy


def main(folder: Path) -> int:
    data = arviz.from_cmdstan(str(folder / "draws.csv"))
    print(data.posterior)
    if hasattr(data, "sample_stats"):
        print("sample_stats:", list(data.sample_stats.data_vars))
    bad = 0
    with open(folder / "summary.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name, index = re.fullmatch(r"([^\[]+)(?:\[(.*)\])?", row["variable"]).groups()
            where = tuple(int(i) - 1 for i in index.split(",")) if index else ()
            draws = data.posterior[name.replace(".", ":")].values[0][(slice(None), *where)]
            with numpy.errstate(invalid="ignore"):
                found = [draws.mean(), draws.std(ddof=1), *numpy.quantile(draws, [0.05, 0.5, 0.95])]
            told = [float(row[k]) for k in ("mean", "sd", "q05", "q50", "q95")]
            if not numpy.allclose(found, told, rtol=1e-9, equal_nan=True):
                print("differs:", row["variable"], found, told)
                bad += 1
    print("summary.csv agrees" if not bad else f"{bad} rows differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
