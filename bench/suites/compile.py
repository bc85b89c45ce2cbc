"""From program and data to a gradient's tape that has run once, and how that grows with the data."""
from harness import generated
from harness.driver import MODELS, PROGRAMS, Driver, posteriordb
from harness.rounds import Times, summary
from harness.tables import Row, Table, rounded

BAR = 30.0
ONE_CORE = True


def run(options):
    table = Table("Compiling models of posteriordb", "")
    for name, program, data in posteriordb(options.only):
        table.add(compiled(options, name.split("-", 1)[1], program, data, BAR))
    yield table
    growth = Table("Compiling, by elements of a recurrence and by rows", "")
    sizes = [("garch", n, PROGRAMS / "garch-garch11.vi") for n in (10**3, 10**4, 10**5)]
    sizes += [("linear", n, MODELS / "linear.vi") for n in (10**3, 10**4, 10**5, 10**6)]
    for kind, n, program in sizes:
        if options.wants(kind):
            with generated.Folder(getattr(generated, kind)(n)) as folder:
                growth.add(compiled(options, f"{kind}, {n}", program, folder, None))
    yield growth


def compiled(options, title, program, data, bar):
    with Driver(options.driver(), program, data) as elbo:
        elbo.ask("compile")
        rounds = [elbo.ask("compile") for _ in range(options.rounds)]
    parts = {stage: summary([r[stage] for r in rounds]).middle * 1e-6 for stage in rounds[0]}
    times = Times(*(1e-9 * t for t in summary([sum(r.values()) for r in rounds])))
    note = ", ".join(f"{stage} {rounded(ms, 2)}" for stage, ms in parts.items())
    return Row(title, times, None, bar, times.middle * 1e3, " ms", note=note)
