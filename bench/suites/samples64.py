"""Gradients at 64 points at once, as a fit takes them: elbo's batched graph beside `jax.vmap`."""
from . import gradients

POINTS, BAR, MEAN_BAR = 64, 0.7, 0.35


def run(options):
    yield from gradients.run(options, POINTS, BAR, MEAN_BAR, "One of 64 gradients at once")
