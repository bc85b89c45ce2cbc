#!/usr/bin/env python3
"""How fast elbo is, beside its peers, in one run.

    pip install numpyro
    python3 bench/run.py [SUITE ...] [--rounds 7] [--ms 60] [--cores both|1|all] [--x32] [--only WORD]
                         [--markdown FILE] [--json FILE]

Suites are the files of `bench/suites`; without a name all are run, on one core and then on all. In
each, elbo and its peers take turns in rounds of about `--ms` milliseconds; a time is the median over
rounds ± half the distance of the quartiles. elbo and JAX run in compiled loops of their own whose
next point depends on the last result, so that nothing can be moved out of the loop and no call from
Python is paid. Gradients are compared before they are timed; where they differ, the run fails. With
`--x32` peers compute in single precision, elbo in double as always.

A bar is what a ratio (elbo's time over the peer's) or a result is held against. Missed bars are
printed once more at the end. Peers and data that are not there are skipped with a word.
"""
import argparse
import json
import os
import sys
from functools import cached_property, lru_cache
from pathlib import Path

import suites
from harness import driver, jax_loops, torch_loops
from harness.side_by_side import Differ


class Options(argparse.Namespace):
    """What suites are told, and what they share."""

    @lru_cache
    def driver(self):
        return driver.build("driver")

    @cached_property
    def jax(self):
        return jax_loops.find(self.x32)

    @cached_property
    def torch(self):
        return torch_loops.find(len(os.sched_getaffinity(0)))

    def wants(self, name):
        return not self.only or any(word in name for word in self.only)

    __hash__ = object.__hash__


def arguments():
    parser = argparse.ArgumentParser(description="elbo's speed beside its peers'")
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(suites.NAMES)}; all if there are none")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--ms", type=int, default=60, help="length of a round in milliseconds")
    parser.add_argument("--cores", choices=["both", "1", "all"], default="both")
    parser.add_argument("--x32", action="store_true", help="peers in single precision")
    parser.add_argument("--only", action="append", help="models whose names hold this word; may be repeated")
    parser.add_argument("--markdown", help="file to write the tables to")
    parser.add_argument("--json", help="file to write all numbers to, a line for each setting of cores")
    options = parser.parse_args(namespace=Options())
    unknown = set(options.suites) - set(suites.NAMES)
    if unknown:
        parser.error(f"there is no suite {', '.join(sorted(unknown))}")
    return options


def main():
    options = arguments()
    # Built first, with all cores.
    options.driver()
    for file in filter(None, [options.markdown, options.json]):
        Path(file).write_text("")
    if options.cores != "both":
        return measure(options)
    # Threads are made once in a process, so each setting has its own.
    failed = []
    for options.cores in ["1", "all"]:
        child = os.fork()
        if not child:
            code = 1
            try:
                code = measure(options)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        failed.append(os.waitpid(child, 0)[1])
    return int(any(failed))


def measure(options):
    """Runs the suites on one core or on all, and reports."""
    if options.cores == "1":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if not driver.DATA.is_dir():
        print(f"models of posteriordb are skipped: no data in {driver.DATA}")
    tables, failures = [], []
    for name in options.suites or suites.NAMES:
        suite = suites.load(name)
        if options.cores == "all" and getattr(suite, "ONE_CORE", False):
            continue
        print(f"{name}:", flush=True)
        try:
            for table in suite.run(options):
                table.title += ", one core" if options.cores == "1" else ", all cores"
                tables.append(table)
                if options.markdown:  # at once: a run can take long
                    with open(options.markdown, "a") as file:
                        print(table.markdown(), file=file)
        except (Differ, driver.Refused) as error:
            failures.append(f"{name}: {error}")
    report(options, tables, failures)
    return 1 if failures else 0


def report(options, tables, failures):
    for table in tables:
        print(f"\n{table.text()}")
    if options.json:
        machine = {"load": os.getloadavg(), "cores": options.cores, "rounds": options.rounds}
        with open(options.json, "a") as file:
            print(json.dumps({"machine": machine, "tables": [t.plain() for t in tables]}), file=file)
    missed = [f"  {t.title}: {' '.join(r.cells()[:5])}" for t in tables for r in t.all_rows() if r.met is False]
    print("\nbars missed:" if missed else "\nno bar is missed", *missed, sep="\n")
    print(*failures, sep="\n")


if __name__ == "__main__":
    sys.exit(main())
