"""JAX and NumPyro in compiled loops, so that no call from Python is paid and nothing leaves the loop."""
import sys
import time

import numpy as np

from .driver import PEERS, ROOT

NUDGE = 1e-15


def find(single):
    """(the transcriptions, the file that they extend) if NumPyro and they are there, or nothing."""
    try:
        import jax
        import numpyro
    except ImportError as missing:
        print(f"JAX is skipped: {missing}")
        return None
    if not (PEERS / "numpyro_models.py").exists():
        print(f"JAX is skipped: no transcriptions in {PEERS}")
        return None
    jax.config.update("jax_enable_x64", not single)
    sys.path.insert(0, str(ROOT / "bench"))
    import numpyro_models
    print(f"JAX {jax.__version__}, NumPyro {numpyro.__version__}, {'f32' if single else 'f64'}")
    return numpyro_models, numpyro_models.peers(PEERS)


class Loop:
    """A compiled function `(state, n) -> anything` that takes `n` steps."""

    def __init__(self, function, state):
        import jax
        self.run, self.state, self.n = jax.jit(function), state, None

    def measure(self, n):
        import jax
        begin = time.perf_counter()
        jax.block_until_ready(self.run(self.state, n))
        return time.perf_counter() - begin

    def seconds(self, ms):
        """Of one step. The first call compiles and finds how many steps fill the time."""
        if self.n is None:
            self.n = 1
            self.measure(1)
            while self.measure(self.n) * 1e3 < ms:
                self.n *= 2
        return self.measure(self.n) / self.n


class Gradient(Loop):
    """A log density with its gradient, at one point or mapped over several."""

    def __init__(self, density, at):
        import jax
        import jax.numpy as jnp
        both = jax.value_and_grad(density)
        self.both = jax.jit(jax.vmap(both) if np.ndim(at) == 2 else both)

        def loop(at, n):
            def step(_, carry):
                x, total = carry
                value, gradient = self.both(x)
                return at + NUDGE * gradient, total + value
            return jax.lax.fori_loop(0, n, step, (at, jnp.zeros(jnp.shape(at)[:-1])))

        super().__init__(loop, jnp.asarray(at))

    def at(self, point):
        return tuple(np.asarray(x) for x in self.both(point))


class Svi(Loop):
    """Steps of NumPyro's SVI with AutoNormal and Adam, inside `lax.scan`, as `SVI.run` takes them."""

    def __init__(self, model, draws, enumerated=False):
        import jax
        from numpyro.infer import SVI, Trace_ELBO, TraceEnum_ELBO
        from numpyro.infer.autoguide import AutoNormal
        from numpyro.optim import Adam
        guide = AutoNormal(hidden(model) if enumerated else model)
        loss = TraceEnum_ELBO(num_particles=draws) if enumerated else Trace_ELBO(num_particles=draws)
        svi = SVI(model, guide, Adam(0.001), loss)

        # A scan is compiled for its length, so that how many steps fill the time is found without one.
        super().__init__(lambda state, n: jax.lax.fori_loop(0, n, lambda _, s: svi.update(s)[0], state),
                         svi.init(jax.random.PRNGKey(0)))
        self.scan = lambda n: jax.jit(lambda state, _: jax.lax.scan(lambda s, _: svi.update(s), state, length=n))

    def seconds(self, ms):
        if self.n is None:
            super().seconds(ms)
            self.run = self.scan(self.n)
            self.measure(self.n)
        return self.measure(self.n) / self.n


def hidden(model):
    """A model without its enumerated sites, which no guide covers."""
    from numpyro import handlers
    return handlers.block(model, hide_fn=lambda site: site.get("infer", {}).get("enumerate") == "parallel")


def best(loops, ms):
    """The fastest of several phrasings `{name: make}`, by a first look, and its name.

    One that NumPyro does not accept is named with its complaint, and left out.
    """
    found = {}
    for name, make in loops.items():
        try:
            loop = make()
            loop.seconds(ms)
            found[name] = (min(loop.seconds(ms) for _ in range(3)), loop)
        except Exception as error:  # a phrasing that does not run is no peer
            print(f"  {name} is left out: {type(error).__name__}: {str(error)[:200]}")
    name = min(found, key=lambda name: found[name][0])
    return name, found[name][1]


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
