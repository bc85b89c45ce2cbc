"""Steps of stochastic variational inference: elbo's optimiser beside NumPyro's SVI with AutoNormal and Adam.

A step draws noise, takes the ELBO's gradient and moves; elbo's also clips and keeps averages, as its
fits do. Models with discrete latents run beside the fastest of several NumPyro phrasings. Noise differs, so what is
compared before steps are timed is the gradient of each model's log density.
"""
from harness import generated, side_by_side
from harness.driver import DATA, MODELS, PROGRAMS, Driver
from harness.jax_loops import Svi, best
from harness.rounds import alternate
from harness.tables import Row, Table

BAR, SUMMED_BAR = 0.25, 0.5
STEPS = [
    "eight_schools-eight_schools_noncentered",
    "kidiq-kidscore_momiq",
    "wells_data-wells_dist",
    "radon_mn-radon_hierarchical_intercept_noncentered",
    "low_dim_gauss_mix-low_dim_gauss_mix",
]
SUMMED = ["topics", "mixture"]


def run(options):
    yield posteriordb(options)
    yield summed_out(options)


def posteriordb(options):
    table = Table("A stochastic step", "NumPyro SVI in a loop")
    for name in filter(options.wants, STEPS):
        program, data = PROGRAMS / f"{name}.vi", DATA / name / "data.json"
        if not data.exists():
            print(f"  {name} is skipped: no data")
            continue
        for draws in (1, 10):
            phrasings = options.jax and {"": (options.jax[0].load(options.jax[1], name), False)}
            title = f"{name}, {draws} draw{'s' * (draws > 1)}"
            table.add(step(options, title, program, data, draws, phrasings, BAR))
    return table


def summed_out(options):
    table = Table("Discrete latents summed out", "NumPyro, its best phrasing")
    for name in filter(options.wants, SUMMED):
        data = getattr(generated, name)()
        with generated.Folder(data) as folder:
            phrasings = options.jax and getattr(transcriptions(), name)(options.jax[1], data)
            table.add(step(options, f"{name}-{name}, a step", MODELS / f"{name}.vi", folder, 1, phrasings, SUMMED_BAR))
    if options.wants("hmm"):
        data = generated.hmm()
        with generated.Folder(data) as folder:
            spec = options.jax and (lambda: transcriptions().hmm(options.jax[1], data))
            row = side_by_side.gradients(options, "hmm", MODELS / "hmm.vi", folder, spec, bar=SUMMED_BAR)
            row.name = "hmm, a gradient"
            table.add(row)
    return table


def transcriptions():
    import numpyro_generated
    return numpyro_generated


def step(options, title, program, data, draws, phrasings, bar):
    """`title` is FOLDER-MODEL, and more."""
    name = title.split(",")[0]
    with Driver(options.driver(), program, data) as elbo:
        note, peer = "", None
        if phrasings:
            for spec, _ in phrasings.values():
                side_by_side.check(options, elbo, spec, name)
            loops = {phrasing: (lambda s=spec, e=enumerated: Svi(s.model, draws, e))
                     for phrasing, (spec, enumerated) in phrasings.items()}
            note, peer = best(loops, options.ms)
        elbo.ask("svi", draws)
        times = alternate({
            "elbo": lambda: elbo.seconds(options.ms),
            "peer": peer and (lambda: peer.seconds(options.ms)),
        }, options.rounds)
    return Row(title.split("-", 1)[1], times["elbo"], times["peer"], bar, note=note)
