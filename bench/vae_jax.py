#!/usr/bin/env python3
"""Seconds for an epoch of the autoencoder of `benches/vae.rs` in JAX, on one core.

An epoch is a loop of compiled steps from Python, or (`--scan`) one compiled loop.

    taskset -c 1 python3 bench/vae_jax.py [--scan] [EPOCHS]
"""
import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
import jax
import jax.numpy as jnp
import numpy as np

PIXELS, HIDDEN, LATENT, BATCH = 784, 400, 20, 128
RATE, B1, B2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def images(count, rng):
    loadings = rng.standard_normal((10, PIXELS), dtype=np.float32)
    logits = rng.standard_normal((count, 10), dtype=np.float32) @ loadings - 1
    return (rng.random((count, PIXELS), dtype=np.float32) * (1 + np.exp(-logits)) < 1).astype(np.float32)


def loss(p, x, noise):
    hidden = jax.nn.relu(x @ p[0] + p[1])
    code = hidden @ p[2] + p[3]
    mean, log_variance = code[:, :LATENT], code[:, LATENT:]
    z = mean + jnp.exp(0.5 * log_variance) * noise
    logits = jax.nn.relu(z @ p[4] + p[5]) @ p[6] + p[7]
    reconstruction = jnp.sum(jax.nn.softplus(logits) - x * logits)
    return (reconstruction + 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - log_variance - 1)) / BATCH


def step(state, x):
    p, m, v, t, key = state
    key, own = jax.random.split(key)
    value, g = jax.value_and_grad(loss)(p, x, jax.random.normal(own, (BATCH, LATENT)))
    t = t + 1
    m = [B1 * m + (1 - B1) * g for m, g in zip(m, g)]
    v = [B2 * v + (1 - B2) * g * g for v, g in zip(v, g)]
    rate, root = RATE / (1 - B1**t), jnp.sqrt(1 - B2**t)
    p = [p - rate * m / (jnp.sqrt(v) / root + EPSILON) for p, m, v in zip(p, m, v)]
    return (p, m, v, t, key), value


def main():
    scan = "--scan" in sys.argv
    numbers = [a for a in sys.argv[1:] if a.isdigit()]
    rng = np.random.default_rng(1)
    data = images(60_000, rng)
    batches = len(data) // BATCH
    shapes = [(PIXELS, HIDDEN), (HIDDEN,), (HIDDEN, 2 * LATENT), (2 * LATENT,),
              (LATENT, HIDDEN), (HIDDEN,), (HIDDEN, PIXELS), (PIXELS,)]
    start = lambda s: jnp.asarray(rng.uniform(-1, 1, s) * (s[0] ** -0.5 if len(s) > 1 else 0), jnp.float32)
    p = [start(s) for s in shapes]
    zeros = lambda: [jnp.zeros(s, jnp.float32) for s in shapes]
    state = (p, zeros(), zeros(), jnp.float32(0), jax.random.key(1))
    one = jax.jit(step, donate_argnums=0)
    device = jnp.asarray(data)

    def epoch(state, order):
        return jax.lax.scan(lambda state, i: step(state, device[i]), state, order)

    whole = jax.jit(epoch, donate_argnums=0)
    for number in range(1, (int(numbers[0]) if numbers else 3) + 1):
        order = rng.permutation(len(data))[: batches * BATCH].reshape(batches, BATCH)
        begin = time.perf_counter()
        if scan:
            state, losses = whole(state, jnp.asarray(order))
            total = float(losses.mean())
        else:
            values = []
            for rows in order:
                state, value = one(state, data[rows])
                values.append(value)
            total = float(jnp.stack(values).mean())
        # The first epoch compiles.
        print(f"JAX epoch {number}: {time.perf_counter() - begin:.2f} s, {total:.2f} nats an image", flush=True)


main()
