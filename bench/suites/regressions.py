"""Regressions on many rows: gradients beside JAX, against the memory's bandwidth, and what they occupy."""
from harness import generated, side_by_side
from harness.driver import MODELS, PROGRAMS, Driver
from harness.rounds import alternate
from harness.tables import Row, Table

BAR, BANDWIDTH_BAR, MEMORY_BAR = 0.1, 70.0, 1.0
ROWS = [1_000, 10_000, 100_000, 1_000_000]
LARGE, COLUMNS, POINTS = 1_000_000, 50, (1, 8)
FIT_ROWS = 10_000_000


def run(options):
    yield beside_jax(options)
    if options.wants("logistic"):
        yield bandwidth(options)
    if options.wants("fit"):
        yield fit(options)


def beside_jax(options):
    table = Table("Gradients of regressions", "JAX in a loop")
    kinds = {"linear": MODELS / "linear.vi", "autoregression": PROGRAMS / "arK-arK.vi"}
    for kind, program in kinds.items():
        for rows in ROWS if options.wants(kind) else []:
            data = getattr(generated, kind)(rows)
            with generated.Folder(data) as folder:
                spec = options.jax and (lambda: getattr(transcriptions(), kind)(options.jax[1], data))
                row = side_by_side.gradients(options, kind, program, folder, spec, bar=BAR)
            row.name = f"{kind}, {rows} rows"
            table.add(row)
    return table


def bandwidth(options):
    """Of the table of predictors and the outcomes read once, whatever the gradient really reads."""
    table = Table(f"Logistic regression, {LARGE} rows x {COLUMNS}", "JAX in a loop")
    data = generated.logistic(LARGE, COLUMNS)
    read = 8 * (data["X"].size + data["y"].size)
    with generated.Folder(data) as folder:
        for points in POINTS:
            spec = options.jax and (lambda: transcriptions().logistic(options.jax[1], data))
            row = side_by_side.gradients(options, "logistic", MODELS / "logistic.vi", folder, spec, points)
            row.name = f"a gradient, one of {points}"
            table.add(row)
            table.add(share(options, folder, points, read))
    return table


def share(options, folder, points, read):
    with Driver(options.driver(), MODELS / "logistic.vi", folder) as elbo:
        elbo.ask("gradient", points)
        times = alternate({
            "limit": lambda: read / elbo.ask("bandwidth"),
            "elbo": lambda: elbo.seconds(options.ms),
        }, options.rounds)
        memory = elbo.ask("memory")
    value = 100 * times["limit"].middle / times["elbo"].middle
    note = (f"reading takes {times['limit'].middle * 1e3:.0f} ms; arena {memory['arena'] / 2**20:.0f} MiB,"
            f" most held {memory['peak'] / 2**20:.0f} MiB")
    return Row(f"share of bandwidth, {points} at once", times["elbo"], None, BANDWIDTH_BAR, value, " %", True, note)


def fit(options):
    table = Table(f"A fit of a line to {FIT_ROWS} rows, the most memory held", "")
    with generated.Folder(generated.linear(FIT_ROWS)) as folder:
        with Driver(options.driver(), MODELS / "linear.vi", folder) as elbo:
            bound = elbo.ask("memory")["peak"] / 2**30
            done = elbo.ask("fit")
            peak = elbo.ask("memory")["peak"] / 2**30
    word = "converged" if done["converged"] else "did not converge"
    note = f"{bound:.2g} GiB once bound; {done['seconds']:.1f} s, {done['steps']} steps, {word}"
    table.add(Row("linear", bar=MEMORY_BAR, value=peak, unit=" GiB", note=note))
    return table


def transcriptions():
    import numpyro_generated
    return numpyro_generated
