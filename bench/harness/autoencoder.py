"""The variational autoencoder of `benches/vae.rs` in JAX and in PyTorch, in single precision."""
import time

import numpy as np

PIXELS, HIDDEN, LATENT, BATCH, IMAGES = 784, 400, 20, 128, 60_000
SHAPES = [(PIXELS, HIDDEN), (HIDDEN,), (HIDDEN, 2 * LATENT), (2 * LATENT,),
          (LATENT, HIDDEN), (HIDDEN,), (HIDDEN, PIXELS), (PIXELS,)]
RATE = 1e-3


def images(rng):
    """Binary, with pixels that depend on ten numbers."""
    loadings = rng.standard_normal((10, PIXELS), dtype=np.float32)
    logits = rng.standard_normal((IMAGES, 10), dtype=np.float32) @ loadings - 1
    return (rng.random((IMAGES, PIXELS), dtype=np.float32) * (1 + np.exp(-logits)) < 1).astype(np.float32)


def start(rng):
    widths = [shape[0] ** -0.5 if len(shape) > 1 else 0 for shape in SHAPES]
    return [(w * rng.uniform(-1, 1, shape)).astype(np.float32) for w, shape in zip(widths, SHAPES)]


def formula():
    """Parameters, pixels and noise of a check."""
    count = lambda shape: np.arange(np.prod(shape), dtype=np.float64)
    parameters = [0.05 * np.sin((count(s) + 1) * (0.37 + i)).reshape(s) for i, s in enumerate(SHAPES)]
    pixels = (np.arange(BATCH * PIXELS) * 7919 % 13 < 4).reshape(BATCH, PIXELS)
    noise = np.sin(0.7 * count((BATCH, LATENT))).reshape(BATCH, LATENT)
    return [p.astype(np.float32) for p in parameters], pixels.astype(np.float32), noise.astype(np.float32)


class Jax:
    """Steps in one compiled loop over an epoch's batches, or called one by one from Python."""

    def __init__(self, scan):
        import jax
        import jax.numpy as jnp
        self.jax, self.jnp, self.scan = jax, jnp, scan
        self.rng = np.random.default_rng(1)
        self.data = images(self.rng)
        zeros = lambda: [jnp.zeros(shape, jnp.float32) for shape in SHAPES]
        parameters = [jnp.asarray(p) for p in start(self.rng)]
        self.state = (parameters, zeros(), zeros(), jnp.float32(0), jax.random.key(1))
        self.one = jax.jit(self.step, donate_argnums=0)
        if scan:
            device = jnp.asarray(self.data)
            epoch = lambda state, order: jax.lax.scan(lambda state, i: self.step(state, device[i]), state, order)
            self.whole = jax.jit(epoch, donate_argnums=0)

    def loss(self, p, x, noise):
        jax, jnp = self.jax, self.jnp
        hidden = jax.nn.relu(x @ p[0] + p[1])
        code = hidden @ p[2] + p[3]
        mean, log_variance = code[:, :LATENT], code[:, LATENT:]
        z = mean + jnp.exp(0.5 * log_variance) * noise
        logits = jax.nn.relu(z @ p[4] + p[5]) @ p[6] + p[7]
        reconstruction = jnp.sum(jax.nn.softplus(logits) - x * logits)
        return (reconstruction + 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - log_variance - 1)) / BATCH

    def step(self, state, x):
        jax, jnp = self.jax, self.jnp
        p, m, v, t, key = state
        key, own = jax.random.split(key)
        value, g = jax.value_and_grad(self.loss)(p, x, jax.random.normal(own, (BATCH, LATENT), jnp.float32))
        t = t + 1
        m = [0.9 * m + 0.1 * g for m, g in zip(m, g)]
        v = [0.999 * v + 0.001 * g * g for v, g in zip(v, g)]
        rate, root = RATE / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        p = [p - rate * m / (jnp.sqrt(v) / root + 1e-8) for p, m, v in zip(p, m, v)]
        return (p, m, v, t, key), value

    def epoch(self):
        """Seconds and mean loss."""
        begin = time.perf_counter()
        order = self.rng.permutation(IMAGES)[: IMAGES // BATCH * BATCH].reshape(-1, BATCH)
        if self.scan:
            self.state, losses = self.whole(self.state, self.jnp.asarray(order))
        else:
            losses = []
            for rows in order:
                self.state, value = self.one(self.state, self.data[rows])
                losses.append(value)
        loss = float(self.jnp.mean(self.jnp.asarray(losses)))
        return time.perf_counter() - begin, loss

    def check(self):
        value, gradients = self.jax.value_and_grad(self.loss)(*formula())
        return float(value), [float(self.jnp.linalg.norm(g)) for g in gradients]


class Torch:
    """Steps called from Python, as its users do, with the fused Adam."""

    def __init__(self, torch):
        self.torch = torch
        torch.manual_seed(1)
        rng = np.random.default_rng(1)
        self.data = torch.from_numpy(images(rng))
        self.p = [torch.from_numpy(p).requires_grad_() for p in start(rng)]
        self.adam = torch.optim.Adam(self.p, lr=RATE, fused=True)

    def loss(self, p, x, noise):
        torch = self.torch
        hidden = torch.relu(torch.addmm(p[1], x, p[0]))
        mean, log_variance = torch.addmm(p[3], hidden, p[2]).split(LATENT, 1)
        z = mean + torch.exp(0.5 * log_variance) * noise
        hidden = torch.relu(torch.addmm(p[5], z, p[4]))
        logits = torch.addmm(p[7], hidden, p[6])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return (loss + 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()) / BATCH

    def epoch(self):
        """Seconds and mean loss."""
        begin = time.perf_counter()
        order, total = self.torch.randperm(IMAGES), 0.0
        for i in range(IMAGES // BATCH):
            x = self.data[order[i * BATCH:(i + 1) * BATCH]]
            loss = self.loss(self.p, x, self.torch.randn(BATCH, LATENT))
            self.adam.zero_grad(set_to_none=True)
            loss.backward()
            self.adam.step()
            total += loss.item()
        return time.perf_counter() - begin, total / (IMAGES // BATCH)

    def check(self):
        parameters, x, noise = formula()
        p = [self.torch.from_numpy(a).requires_grad_() for a in parameters]
        value = self.loss(p, self.torch.from_numpy(x), self.torch.from_numpy(noise))
        value.backward()
        return value.item(), [a.grad.norm().item() for a in p]
