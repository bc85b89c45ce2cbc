"""One gradient of the log joint density, at one point: models of posteriordb beside NumPyro's potential."""
from harness import side_by_side
from harness.driver import posteriordb
from harness.tables import Table

BAR, MEAN_BAR = 1.0, 0.4


def run(options, points=1, bar=BAR, mean_bar=MEAN_BAR, title="A gradient"):
    table = Table(title, "JAX f32 in a loop" if options.x32 else "JAX in a loop", mean_bar=mean_bar)
    for name, program, data in posteriordb(options.only):
        spec = options.jax and (lambda: options.jax[0].load(options.jax[1], name))
        table.add(side_by_side.gradients(options, name, program, data, spec, points, bar))
    yield table
