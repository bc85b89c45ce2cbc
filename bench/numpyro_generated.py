"""NumPyro transcriptions of `bench/models`, each in the phrasings that might be its fastest.

Each gives a `Spec` as `numpyro_models.py` has them; `topics` and `mixture` give
`{phrasing: (Spec, whether sites are enumerated)}`.
"""
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist


def topics(peers, data):
    w, V, K = jnp.asarray(np.asarray(data["w"]) - 1), data["V"], data["K"]
    D, N = w.shape

    def proportions():
        phi = numpyro.sample("phi", dist.Dirichlet(jnp.ones((K, V))).to_event(1))
        theta = numpyro.sample("theta", dist.Dirichlet(jnp.ones((D, K))).to_event(1))
        return phi, theta

    def logs():
        phi, theta = proportions()
        parts = jnp.log(theta)[:, None, :] + jnp.log(phi).T[w]
        numpyro.factor("w", jax.nn.logsumexp(parts, axis=-1).sum())

    def products():
        phi, theta = proportions()
        numpyro.factor("w", jnp.log(jnp.einsum("dk,dnk->dn", theta, phi.T[w])).sum())

    def enumerated():
        with numpyro.plate("topics", K):
            phi = numpyro.sample("phi", dist.Dirichlet(jnp.ones(V)))
        with numpyro.plate("documents", D, dim=-2):
            theta = numpyro.sample("theta", dist.Dirichlet(jnp.ones(K)))
            with numpyro.plate("words", N, dim=-1):
                z = numpyro.sample("z", dist.Categorical(theta), infer={"enumerate": "parallel"})
                numpyro.sample("w", dist.Categorical(phi[z]), obs=w)

    spec = lambda model: peers.Spec(model, [("phi", K * (V - 1)), ("theta", D * (K - 1))], None)
    return {"gathered logs": (spec(logs), False), "gathered products": (spec(products), False),
            "enumerated": (spec(enumerated), True)}


def mixture(peers, data):
    y, K = jnp.asarray(data["y"]), data["K"]

    def components():
        w = numpyro.sample("w", dist.Dirichlet(jnp.ones(K)))
        mu = numpyro.sample("mu", dist.Normal(jnp.zeros(K), 5.0).to_event(1))
        sigma = numpyro.sample("sigma", dist.HalfNormal(2.0 * jnp.ones(K)).to_event(1))
        return w, mu, sigma

    def same_family():
        w, mu, sigma = components()
        numpyro.sample("y", dist.MixtureSameFamily(dist.Categorical(w), dist.Normal(mu, sigma)), obs=y)

    def by_hand():
        w, mu, sigma = components()
        parts = jnp.log(w)[:, None] + dist.Normal(mu[:, None], sigma[:, None]).log_prob(y)
        numpyro.factor("y", jax.nn.logsumexp(parts, axis=0).sum())

    def enumerated():
        w, mu, sigma = components()
        with numpyro.plate("rows", len(y)):
            z = numpyro.sample("z", dist.Categorical(w), infer={"enumerate": "parallel"})
            numpyro.sample("y", dist.Normal(mu[z], sigma[z]), obs=y)

    spec = lambda model: peers.Spec(model, [("w", K - 1), ("mu", K), ("sigma", K)], None)
    return {"MixtureSameFamily": (spec(same_family), False), "by hand": (spec(by_hand), False),
            "enumerated": (spec(enumerated), True)}


def hmm(peers, data):
    y, K = jnp.asarray(data["y"]), data["K"]

    def model():
        P = numpyro.sample("P", dist.Dirichlet(jnp.ones((K, K))).to_event(1))
        mu = numpyro.sample("mu", dist.Normal(jnp.zeros(K), 10.0).to_event(1))
        logs, seen = jnp.log(P), dist.Normal(mu, 1.0).log_prob(y[:, None])

        def step(g, e):
            return jax.nn.logsumexp(g[:, None] + logs, axis=0) + e, None
        numpyro.factor("y", jax.nn.logsumexp(jax.lax.scan(step, seen[0], seen[1:])[0]))

    return peers.Spec(model, [("P", K * (K - 1)), ("mu", K)], None)


def linear(peers, data):
    x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])

    def model():
        alpha = numpyro.sample("alpha", dist.Normal(0.0, 10.0))
        beta = numpyro.sample("beta", dist.Normal(0.0, 10.0))
        sigma = numpyro.sample("sigma", dist.HalfNormal(5.0))
        numpyro.sample("y", dist.Normal(alpha + beta * x, sigma), obs=y)

    return peers.Spec(model, [("alpha", 1), ("beta", 1), ("sigma", 1)], None)


def autoregression(peers, data):
    y, K = np.asarray(data["y"]), data["K"]
    lags, now = jnp.asarray(np.stack([y[K - k:len(y) - k] for k in range(1, K + 1)], 1)), jnp.asarray(y[K:])

    def model():
        alpha = numpyro.sample("alpha", dist.Normal(0.0, 10.0))
        beta = numpyro.sample("beta", dist.Normal(jnp.zeros(K), 10.0).to_event(1))
        sigma = numpyro.sample("sigma", dist.HalfCauchy(2.5))
        numpyro.sample("y", dist.Normal(alpha + lags @ beta, sigma), obs=now)

    return peers.Spec(model, [("alpha", 1), ("beta", K), ("sigma", 1)], None)


def logistic(peers, data):
    X, y = jnp.asarray(data["X"]), jnp.asarray(data["y"])

    def model():
        alpha = numpyro.sample("alpha", dist.Normal(0.0, 2.5))
        beta = numpyro.sample("beta", dist.Normal(jnp.zeros(X.shape[1]), 2.5).to_event(1))
        numpyro.sample("y", dist.Bernoulli(logits=alpha + X @ beta), obs=y)

    return peers.Spec(model, [("alpha", 1), ("beta", X.shape[1])], None)


def network(peers, data):
    X, y, H, C = jnp.asarray(data["X"]), jnp.asarray(data["y"] - 1), data["H"], data["C"]
    shapes = {"W1": (X.shape[1], H), "b1": (H,), "W2": (H, C), "b2": (C,)}

    def model():
        normal = lambda name: dist.Normal(jnp.zeros(shapes[name]), 1.0).to_event(len(shapes[name]))
        W1, b1, W2, b2 = (numpyro.sample(name, normal(name)) for name in shapes)
        numpyro.sample("y", dist.Categorical(logits=jnp.tanh(X @ W1 + b1) @ W2 + b2), obs=y)

    return peers.Spec(model, [(name, int(np.prod(shape))) for name, shape in shapes.items()], None)
