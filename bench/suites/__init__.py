"""The suites, by name. One is a file with `run(options)`, which yields tables; to add one, write it and
name it here."""
import importlib

NAMES = [
    "gradients",
    "samples64",
    "handwritten",
    "svi",
    "networks",
    "vae",
    "regressions",
    "compile",
    "command",
]


def load(name):
    return importlib.import_module(f"suites.{name}")
