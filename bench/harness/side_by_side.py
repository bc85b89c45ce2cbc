"""Turns a program and its transcription into a row: gradients compared, then timed in turns."""
from contextlib import ExitStack

import numpy as np

from .driver import Driver
from .jax_loops import Gradient, permutation
from .rounds import alternate
from .tables import Row

# Parameters that the transcriptions call otherwise: site -> (block, first element).
ALIASES = {
    "garch11": {"beta1_raw": ("beta1", 0)},
    "hmm_example": {"mu1": ("mu", 0), "gap": ("mu", 1)},
    "kilpisjarvi": {"beta": [("alpha", 0), ("beta", 0)]},
}


class Differ(Exception):
    """The two gradients are not those of one model."""


def gradients(options, name, program, data, spec, points=1, bar=None):
    """A row for one model beside JAX. `spec()` is its transcription, if there is one."""
    make = spec and options.jax and (lambda blocks, at: Transcribed(options.jax[1], spec(), name, blocks, at))
    return row(options, name, program, data, make, points, bar)


def row(options, name, program, data, make, points=1, bar=None):
    """A row for one model beside `make(blocks, points)`, if there is one; times are for one point.

    Where elbo sums beforehand what data allow, the density as the program writes it is timed as well.
    """
    with ExitStack() as stack:
        served = lambda: stack.enter_context(Driver(options.driver(), program, data))
        elbo, written = served(), None
        at = 0.3 * np.random.default_rng(1).standard_normal((points, elbo.size))
        if elbo.ask("gradient", points)["rewritten"]:
            written = served()
            written.ask("gradient", points, "written")
        peer = make and make(elbo.blocks, at)
        for system in filter(None, [elbo, written] if peer else []):
            compare(system, peer, at, allowed(name, options))
        timed = {"elbo": elbo, "written": written, "peer": peer}
        turns = {key: system and (lambda s=system: s.seconds(options.ms) / points) for key, system in timed.items()}
        times = alternate(turns, options.rounds)
    title = name.split("-", 1)[-1]
    return Row(title, times["elbo"], times["peer"], bar, note=f"{elbo.size} parameters", written=times["written"])


def check(options, elbo, spec, name):
    """That a transcription is of the model that `elbo` serves."""
    elbo.ask("gradient", 1)
    at = 0.3 * np.random.default_rng(1).standard_normal((1, elbo.size))
    compare(elbo, Transcribed(options.jax[1], spec, name, elbo.blocks, at), at, allowed(name, options))


class Transcribed:
    """A transcription's gradient, in elbo's order of parameters."""

    def __init__(self, peers, spec, name, blocks, at):
        self.order = permutation(spec.order, blocks, ALIASES.get(name.split("-", 1)[-1], {}))
        self.single = len(at) == 1
        # Made while it is traced: outside NumPyro would look for a starting point operation by operation.
        self.loop = Gradient(lambda x: peers.flat_functions(spec)[0](x), self.turned(at))

    def turned(self, at):
        return at[0, self.order] if self.single else at[:, self.order]

    def at(self, at):
        values, gradients = self.loop.at(self.turned(at))
        out = np.empty(at.shape)
        out[:, self.order] = gradients
        return np.atleast_1d(values), out

    def seconds(self, ms):
        return self.loop.seconds(ms)


def allowed(name, options):
    """In parts of the largest element. The Gaussian process's matrix is nearly singular; a chain of
    ten thousand steps adds up roundings."""
    single = 1e4 if options.x32 else 1
    return single * (1e-4 if "gp_" in name else 1e-6)


def compare(elbo, peer, at, allowed):
    """Gradients, and what values rise by between two points: either system may leave out constants."""
    other = at + 0.1
    (a, g), (b, h) = elbo.at(at), peer.at(at)
    (c, _), (d, _) = elbo.at(other), peer.at(other)
    elbo.at(at), peer.at(at)
    worst = max(np.max(np.abs(g - h)) / np.max(np.abs(h)), np.max(np.abs((a - c) - (b - d)) / np.maximum(np.abs(a), 1)))
    if not worst <= allowed:
        raise Differ(f"differ by {worst:.1e} of the largest element")


