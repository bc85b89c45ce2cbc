"""The whole command: `elbo fit` of the eight schools, from the start of the process to the printed table."""
import subprocess
import time

from harness.driver import DATA, PROGRAMS, ROOT
from harness.rounds import summary
from harness.tables import Row, Table

NAME = "eight_schools-eight_schools_noncentered"
BAR = 25.0


def run(options):
    if not DATA.is_dir():
        return
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True, capture_output=True)
    command = [ROOT / "target/release/elbo", "fit", PROGRAMS / f"{NAME}.vi", "--data", DATA / NAME / "data.json"]
    once(command)  # fills the caches of the disk
    times = summary([once(command) for _ in range(3 * options.rounds)])
    table = Table("A whole command", "")
    table.add(Row("elbo fit, eight schools", times, None, BAR, times.middle * 1e3, " ms"))
    yield table


def once(command):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin
