#!/usr/bin/env python3
"""How long the whole command takes: `elbo fit` of the eight schools, from start to printed table.

    cargo build --release && python3 bench/command.py [--runs 20] [PROGRAM DATA]

Printed are the median over runs and the quartiles, of wall-clock time: starting the process,
reading, checking, compiling, fitting and printing. The first run, which fills the caches of the disk, is
left out.
"""
import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
NAME = "eight_schools-eight_schools_noncentered"
DATA = Path(os.environ.get("ELBO_POSTERIORDB", ROOT / "../shared/posteriordb"))


def main():
    parser = argparse.ArgumentParser(description="time of a whole elbo fit")
    parser.add_argument("program", nargs="?", default=ROOT / f"tests/posteriordb/{NAME}.vi")
    parser.add_argument("data", nargs="?", default=DATA / NAME / "data.json")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    command = [ROOT / "target/release/elbo", "fit", options.program, "--data", options.data]
    missing = [str(path) for path in (command[0], options.program, options.data) if not Path(path).exists()]
    if missing:
        print("skipped: there is no", " and no ".join(missing))
        return 0
    times = [once(command) for _ in range(options.runs + 1)][1:]
    low, middle, high = np.quantile(times, [0.25, 0.5, 0.75]) * 1e3
    print(f"elbo fit {Path(options.program).name}: {middle:.1f} ms (quartiles {low:.1f} and {high:.1f}, {options.runs} runs)")
    return 0


def once(command):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
