"""NumPyro transcriptions of those models of posteriordb that `../shared/peers` has not got.

In the style of that folder's `numpyro_models.py`, on top of which they are: `peers(folder)` loads
that file by its path, `load(peers, name)` answers for all models. Matrices of predictors and counts
of earlier trials are prebuilt, the fastest phrasing for JAX.
"""
import importlib.util
from pathlib import Path

import numpy as np


def peers(folder):
    """The module of the transcriptions that lie outside the project."""
    spec = importlib.util.spec_from_file_location("peers_numpyro_models", Path(folder) / "numpyro_models.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(peers, name):
    """The transcription of the model in a folder of posteriordb, as a `Spec`."""
    own = OWN.get(name.split("-", 1)[1])
    return own(peers, peers.data_of(name)) if own else peers.load(name)


def numbers(data, key):
    return np.asarray(data[key], float)


def regression(peers, X, y, priors=()):
    """y ~ N(Xβ, σ), all flat but for (mean, sd) of β where `priors` has them."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.distributions import constraints

    Xj, yj = jnp.asarray(X), jnp.asarray(y)
    k = X.shape[1]

    def model():
        if priors:
            beta = numpyro.sample("beta", dist.Normal(jnp.asarray(priors[0]), jnp.asarray(priors[1])).to_event(1))
        else:
            beta = numpyro.sample("beta", dist.ImproperUniform(constraints.real, (), (k,)))
        sigma = numpyro.sample("sigma", dist.ImproperUniform(constraints.positive, (), ()))
        numpyro.sample("y", dist.Normal(Xj @ beta, sigma), obs=yj)

    return peers.Spec(model, [("beta", k), ("sigma", 1)], peers.many(peers.vec("beta"), peers.vec("sigma")))


def earn_height(peers, d):
    X = np.stack([np.ones(d["N"]), numbers(d, "height")], 1)
    return regression(peers, X, numbers(d, "earn"))


def kidscore_interaction(peers, d):
    h, q = (numbers(d, k) - numbers(d, k).mean() for k in ("mom_hs", "mom_iq"))
    return regression(peers, np.stack([np.ones(d["N"]), h, q, h * q], 1), numbers(d, "kid_score"))


def mesquite(peers, d):
    names = ["diam1", "diam2", "canopy_height", "total_height", "density", "group"]
    X = np.stack([np.ones(d["N"])] + [numbers(d, k) for k in names], 1)
    return regression(peers, X, numbers(d, "weight"))


def kilpisjarvi(peers, d):
    X = np.stack([np.ones(d["N"]), numbers(d, "x")], 1)
    priors = [[float(d[k]) for k in keys] for keys in (("pmualpha", "pmubeta"), ("psalpha", "psbeta"))]
    spec = regression(peers, X, numbers(d, "y"), priors)
    name = lambda q: {"alpha": np.asarray(q["beta"])[:, 0], "beta": np.asarray(q["beta"])[:, 1]}
    return spec._replace(to_ref=peers.many(name, peers.vec("sigma")))


def dogs(peers, d):
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    y = numbers(d, "y")
    shocked = np.cumsum(y, 1) - y
    avoided = np.arange(y.shape[1])[None, :] - shocked
    X = jnp.asarray(np.stack([np.ones(y.size), avoided.ravel(), shocked.ravel()], 1))
    yj = jnp.asarray(y.ravel())

    def model():
        beta = numpyro.sample("beta", dist.Normal(jnp.zeros(3), 100.).to_event(1))
        numpyro.sample("y", dist.Bernoulli(logits=X @ beta), obs=yj)

    return peers.Spec(model, [("beta", 3)], peers.vec("beta"))


def irt_2pl(peers, d):
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    y = jnp.asarray(numbers(d, "y"))
    items, people = d["I"], d["J"]

    def model():
        scale = lambda name: numpyro.sample(name, dist.HalfCauchy(2.))
        st, sa, sb = scale("sigma_theta"), scale("sigma_a"), scale("sigma_b")
        mu_b = numpyro.sample("mu_b", dist.Normal(0., 5.))
        theta = numpyro.sample("theta", dist.Normal(jnp.zeros(people), st).to_event(1))
        a = numpyro.sample("a", dist.LogNormal(jnp.zeros(items), sa).to_event(1))
        b = numpyro.sample("b", dist.Normal(mu_b * jnp.ones(items), sb).to_event(1))
        numpyro.sample("y", dist.Bernoulli(logits=a[:, None] * (theta[None, :] - b[:, None])), obs=y)

    sites = ["sigma_theta", "sigma_a", "sigma_b", "mu_b", "theta", "a", "b"]
    sizes = [1, 1, 1, 1, people, items, items]
    return peers.Spec(model, list(zip(sites, sizes)), peers.many(*map(peers.vec, sites)))


def lda(peers, d):
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    w, doc = (jnp.asarray(np.asarray(d[k]) - 1) for k in ("w", "doc"))

    def model():
        theta = numpyro.sample("theta", dist.Dirichlet(jnp.ones((d["M"], 2))).to_event(1))
        phi = numpyro.sample("phi", dist.Dirichlet(jnp.ones((2, d["V"]))).to_event(1))
        parts = jnp.log(theta)[doc] + jnp.log(phi).T[w]
        numpyro.factor("w", jax.nn.logsumexp(parts, axis=1).sum())

    def matrix(site):
        def f(s):
            x = np.asarray(s[site])
            return {f"{site}[{i + 1},{j + 1}]": x[:, i, j] for i in range(x.shape[1]) for j in range(x.shape[2])}
        return f

    return peers.Spec(model, [("theta", d["M"]), ("phi", 2 * (d["V"] - 1))],
                      peers.many(matrix("theta"), matrix("phi")))


OWN = {
    "earn_height": earn_height,
    "kidscore_interaction_c": kidscore_interaction,
    "mesquite": mesquite,
    "kilpisjarvi": kilpisjarvi,
    "dogs": dogs,
    "irt_2pl": irt_2pl,
    "ldaK2": lda,
}
