"""Tapes beside loops written by hand in Rust, in one process: `benches/limits.rs`."""
import json
import subprocess

from harness.driver import DATA, PROGRAMS, build
from harness.rounds import Times, summary
from harness.side_by_side import Differ
from harness.tables import Row, Table

BAR = 1.5
ONE_CORE = True


def run(options):
    if not DATA.is_dir():
        return
    table = Table("A gradient beside a loop written by hand", "hand-written")
    command = [build("limits"), PROGRAMS, DATA, str(options.rounds), str(options.ms)]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        row = json.loads(line)
        if not row["difference"] <= 1e-9:
            raise Differ(f"{row['name']}: the loop by hand differs by {row['difference']:.1e}")
        times = {system: Times(*(1e-9 * t for t in summary(row[system]))) for system in ("elbo", "written", "hand")}
        table.add(Row(row["name"].split("-", 1)[1], times["elbo"], times["hand"], BAR, written=times["written"]))
    yield table
