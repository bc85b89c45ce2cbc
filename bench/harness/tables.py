"""Turns rows of measurements into tables for the terminal, for Markdown and for JSON."""
import statistics
from dataclasses import asdict, dataclass, field
from typing import Optional

from .rounds import Times

UNITS = [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 0.0)]


@dataclass
class Row:
    """One thing measured. With a peer the bar is for the ratio, without one for `value`, which is
    elbo's own time in milliseconds unless something else is given."""
    name: str
    elbo: Optional[Times] = None
    peer: Optional[Times] = None
    bar: Optional[float] = None
    value: Optional[float] = None
    unit: str = ""
    at_least: bool = False  # the bar is a least value, not a greatest
    note: str = ""
    written: Optional[Times] = None  # elbo's without sums taken beforehand, where it takes any

    @property
    def ratio(self):
        return self.elbo.middle / self.peer.middle if self.elbo and self.peer else None

    @property
    def ratio_written(self):
        return self.written.middle / self.peer.middle if self.written and self.peer else None

    @property
    def judged(self):
        return self.value if self.value is not None else self.ratio

    @property
    def met(self):
        """Whether the bar is met; `None` where there is none, or nothing to hold against it."""
        if self.bar is None or self.judged is None:
            return None
        return self.judged >= self.bar if self.at_least else self.judged <= self.bar

    def cells(self):
        result = "" if self.judged is None else f"{rounded(self.judged, 3)}{self.unit}"
        sign = "≥ " if self.at_least else "≤ "
        bar = "" if self.bar is None else f"{sign}{self.bar:g}{self.unit}"
        word = {None: "", True: "met", False: "MISSED"}[self.met]
        as_written = "" if self.ratio_written is None else rounded(self.ratio_written, 3)
        return [self.name, duration(self.elbo), duration(self.peer), result, as_written, bar, word, self.note]


@dataclass
class Table:
    title: str
    peer: str
    rows: list = field(default_factory=list)
    mean_bar: Optional[float] = None  # for the geometric mean of ratios

    def all_rows(self):
        fitted = [row.ratio for row in self.rows if row.ratio]
        if len(fitted) < 2:
            return self.rows
        written = [row.ratio_written or row.ratio for row in self.rows if row.ratio]
        means = Row("geometric mean", bar=self.mean_bar, value=statistics.geometric_mean(fitted))
        if written != fitted:
            means.note = f"as written {rounded(statistics.geometric_mean(written), 3)}"
        return self.rows + [means]

    def add(self, row):
        """Keeps a row, and shows it at once: a suite can take long."""
        self.rows.append(row)
        print(" ", "  ".join(cell for cell in row.cells() if cell), flush=True)

    def heads(self):
        return ["", "elbo", self.peer, "ratio" if self.peer else "result", "as written" if self.peer else "", "bar", "", ""]

    def text(self):
        rows = [self.heads()] + [row.cells() for row in self.all_rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return "\n".join([self.title] + lines)

    def markdown(self):
        line = lambda cells: "| " + " | ".join(cells) + " |"
        rows = [line(row.cells()) for row in self.all_rows()]
        return "\n".join([f"### {self.title}", "", line(self.heads()), "|---|--:|--:|--:|--:|--:|---|---|"] + rows) + "\n"

    def plain(self):
        rows = [asdict(row) | {"ratio": row.ratio, "met": row.met} for row in self.all_rows()]
        return {"title": self.title, "peer": self.peer, "rows": rows}


def duration(times):
    if times is None:
        return ""
    unit, size = next((u, s) for u, s in UNITS if times.middle >= s)
    size = size or 1e-9
    return f"{rounded(times.middle / size, 3)} ± {rounded(times.spread / size, 1)} {unit}"


def rounded(x, digits):
    """To so many digits, and without an exponent."""
    return f"{float(f'{x:.{digits}g}'):g}"
