"""Gradients of a Bayesian neural network beside PyTorch's autograd, as its users call it, and JAX."""
from harness import generated, side_by_side
from harness.driver import MODELS
from harness.tables import Table
from harness.torch_loops import Network

# Rows, predictors, hidden units, classes.
SIZES = [(200, 10, 16, 3), (1000, 20, 50, 10), (2000, 100, 128, 10)]


def run(options):
    torch = Table("A gradient of a network", "PyTorch")
    jax = Table("A gradient of a network", "JAX in a loop")
    for size in SIZES:
        data = generated.network(*size)
        kind = "network, " + " x ".join(map(str, size))
        with generated.Folder(data) as folder:
            if options.torch:
                torch.add(side_by_side.row(options, kind, MODELS / "network.vi", folder, lambda *_: Network(options, data)))
            jax.add(side_by_side.gradients(options, kind, MODELS / "network.vi", folder, options.jax and (lambda: transcribed(options, data))))
    yield from [torch, jax] if options.torch else [jax]


def transcribed(options, data):
    import numpyro_generated
    return numpyro_generated.network(options.jax[1], data)
