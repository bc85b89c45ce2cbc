#!/usr/bin/env python3
"""How long a gradient takes: elbo beside NumPyro on JAX, on one core, in one run.

    pip install numpyro
    python3 bench/gradients.py [MODEL ...] [--rounds 9] [--ms 60] [--core 1] [--markdown FILE]

One evaluation is the log joint density with the log Jacobian and its gradient at a point of the
unconstrained space, in double precision. Each system runs in a compiled loop of its own whose next
point depends on the last gradient (`lax.fori_loop`; the loop of `benches/gradients.rs`), so that
nothing can be moved out of the loop and no call from Python is paid. Rounds alternate between the
two; printed are medians over rounds with half the distance of the quartiles, in microseconds.
The third column is JAX called once for each gradient from Python, for information.

Before the timing both gradients are compared; a model on which they differ by more than 1e-6 of the
largest element (or 1e-4 for the Gaussian process, whose matrix is nearly singular) is reported
and fails the run.

Models and data: `tests/posteriordb/*.vi`; `../shared/posteriordb` and `../shared/peers` or where the
variables ELBO_POSTERIORDB and ELBO_PEERS say. MODEL is a part of a name. Without NumPyro only
elbo is timed.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("ELBO_POSTERIORDB", ROOT / "../shared/posteriordb"))
PEERS = Path(os.environ.get("ELBO_PEERS", ROOT / "../shared/peers"))
NUDGE = 1e-15
# Parameters that the transcriptions call otherwise: site -> (block, first element).
ALIASES = {
    "garch11": {"beta1_raw": ("beta1", 0)},
    "hmm_example": {"mu1": ("mu", 0), "gap": ("mu", 1)},
    "kilpisjarvi": {"beta": [("alpha", 0), ("beta", 0)]},
}


def main():
    options = arguments()
    os.sched_setaffinity(0, {options.core})
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if not DATA.is_dir():
        print(f"skipped: no data in {DATA}")
        return 0
    driver, jax = build(), find_jax()
    rows, wrong = [], []
    for program in sorted((ROOT / "tests/posteriordb").glob("*.vi")):
        if options.models and not any(m in program.stem for m in options.models):
            continue
        row = measure(driver, jax, program, options)
        wrong += [row["name"]] if row["error"] > row["allowed"] else []
        rows.append(row)
        print(line(row), flush=True)
    both = [r["elbo"] / r["jax"] for r in rows if r["jax"]]
    if both:
        print(f"geometric mean of elbo/JAX over {len(both)} models: {statistics.geometric_mean(both):.2f}")
    if options.markdown:
        Path(options.markdown).write_text(markdown(rows))
    if wrong:
        print("gradients differ:", ", ".join(wrong))
    return 1 if wrong else 0


def arguments():
    parser = argparse.ArgumentParser(description="elbo's gradients beside JAX's")
    parser.add_argument("models", nargs="*", help="parts of names; all if there are none")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ms", type=int, default=60, help="length of a round in milliseconds")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--markdown", help="file to write the table to")
    return parser.parse_args()


def build():
    """The path of the compiled `benches/gradients.rs`."""
    command = ["cargo", "bench", "--bench", "gradients", "--no-run", "--message-format=json"]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    messages = [json.loads(text) for text in out.splitlines() if text.startswith("{")]
    return [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "gradients"][-1]


def find_jax():
    """Whether NumPyro and its transcriptions are there: (models, peers), or nothing."""
    try:
        import jax
        import numpyro
    except ImportError as missing:
        print(f"JAX is skipped: {missing}")
        return None
    if not (PEERS / "numpyro_models.py").exists():
        print(f"JAX is skipped: no transcriptions in {PEERS}")
        return None
    jax.config.update("jax_enable_x64", True)
    sys.path.insert(0, str(ROOT / "bench"))
    import numpyro_models
    print(f"JAX {jax.__version__}, NumPyro {numpyro.__version__}")
    return numpyro_models, numpyro_models.peers(PEERS)


class Elbo:
    """The driver, bound to one program and its data."""

    def __init__(self, driver, program, data):
        self.process = subprocess.Popen([driver, program, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.blocks = self.read()["blocks"]
        self.size = sum(size for _, size in self.blocks)

    def read(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.read()

    def gradient(self, at):
        out = self.ask("at", *at)
        return out["value"], np.array(out["gradient"])

    def time(self, ms):
        return self.ask("time", ms)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Jax:
    """A compiled potential in a compiled loop, and by itself."""

    def __init__(self, models, peers, name, blocks):
        import jax
        import jax.numpy as jnp
        spec = models.load(peers, name)
        density, _, _ = peers.flat_functions(spec)
        both = jax.value_and_grad(density)

        def loop(at, n):
            def step(_, carry):
                x, total = carry
                value, gradient = both(x)
                return at + NUDGE * gradient, total + value
            return jax.lax.fori_loop(0, n, step, (at, 0.0))

        self.loop, self.call, self.array = jax.jit(loop), jax.jit(both), jnp.asarray
        self.order = permutation(spec.order, blocks, ALIASES.get(name.split("-", 1)[1], {}))

    def gradient(self, at):
        """At a point given in elbo's order, in that order."""
        self.at = self.array(at[self.order])
        value, gradient = self.call(self.at)
        out = np.empty(len(at))
        out[self.order] = gradient
        return float(value), out

    def seconds(self, n):
        begin = time.perf_counter()
        self.loop(self.at, n)[1].block_until_ready()
        return time.perf_counter() - begin

    def warm(self, ms):
        """Compiles and finds how many runs fill a round."""
        self.n = 1
        self.seconds(1)
        while self.seconds(self.n) * 1e3 < ms:
            self.n *= 2

    def time(self):
        return self.seconds(self.n) / self.n * 1e9

    def time_call(self, ms):
        begin, n = time.perf_counter(), 0
        while (time.perf_counter() - begin) * 1e3 < ms:
            self.call(self.at)[0].block_until_ready()
            n += 1
        return (time.perf_counter() - begin) / n * 1e9


def permutation(order, blocks, aliases):
    """For each element of JAX's vector its place in elbo's."""
    starts = dict(zip([name for name, _ in blocks], np.cumsum([0] + [size for _, size in blocks])))
    places = []
    for site, size in order:
        alias = aliases.get(site, (site, 0))
        if isinstance(alias, list):
            places += [starts[block] + first for block, first in alias]
        else:
            places += range(starts[alias[0]] + alias[1], starts[alias[0]] + alias[1] + size)
    assert sorted(places) == list(range(sum(size for _, size in blocks))), (order, blocks)
    return np.array(places)


def measure(driver, jax, program, options):
    name = program.stem
    elbo = Elbo(driver, program, DATA / name / "data.json")
    random = np.random.default_rng(1)
    points = 0.3 * random.standard_normal((3, elbo.size))
    ours = [elbo.gradient(p) for p in points]
    row = {"name": name, "size": elbo.size, "error": 0.0, "allowed": 1e-4 if "gp_" in name else 1e-6, "jax": None}
    peer = Jax(*jax, name, elbo.blocks) if jax else None
    if peer:
        theirs = [peer.gradient(p) for p in points]
        row["error"] = difference(ours, theirs)
        peer.warm(options.ms)
    elbo.time(options.ms)
    rounds = {"elbo": [], "jax": [], "call": []}
    for _ in range(options.rounds):
        rounds["elbo"].append(elbo.time(options.ms))
        if peer:
            rounds["jax"].append(peer.time())
            rounds["call"].append(peer.time_call(options.ms / 3))
    elbo.close()
    for system, times in rounds.items():
        if times:
            low, middle, high = np.quantile(times, [0.25, 0.5, 0.75]) / 1e3
            row[system], row[system + "_spread"] = middle, (high - low) / 2
    return row


def difference(ours, theirs):
    """The largest difference of gradients in parts of the largest element, or of what values rise by
    between points: constants of truncated priors are left out by either system."""
    worst = 0.0
    for (a, g), (b, h) in zip(ours, theirs):
        rise = abs((a - ours[0][0]) - (b - theirs[0][0])) / max(abs(a), 1.0)
        worst = max(worst, np.max(np.abs(g - h)) / np.max(np.abs(h)), rise)
    return worst if np.isfinite(worst) else np.inf


def line(row):
    if row["jax"] is None:
        return f"{row['name']:<48}{row['size']:>5}  elbo {row['elbo']:9.3f} ±{row['elbo_spread']:.3f}"
    return (f"{row['name']:<48}{row['size']:>5}  elbo {row['elbo']:9.3f} ±{row['elbo_spread']:<7.3f} JAX {row['jax']:9.3f}"
            f" ±{row['jax_spread']:<7.3f} ratio {row['elbo'] / row['jax']:6.3f}  a call {row['call']:8.1f}  diff {row['error']:.0e}")


def rough(x):
    """To one digit, and never with an exponent where a digit before the point will do."""
    return f"{float(f'{x:.1g}'):g}"


def markdown(rows):
    out = ["| model | parameters | elbo, µs | JAX in a loop, µs | elbo / JAX | JAX called from Python, µs |", "|---|--:|--:|--:|--:|--:|"]
    for r in rows:
        ours = f"| {r['name'].split('-', 1)[1]} | {r['size']} | {r['elbo']:.3g} ± {rough(r['elbo_spread'])} |"
        theirs = f" {r['jax']:.3g} ± {rough(r['jax_spread'])} | {r['elbo'] / r['jax']:.2g} | {r['call']:.3g} |" if r["jax"] else " | | |"
        out.append(ours + theirs)
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    sys.exit(main())
