"""An epoch of a variational autoencoder of MNIST's size in single precision, its graph built from Rust, beside JAX and PyTorch.

Loss and gradients are compared at one point before epochs are timed; noise and the order of images differ.
"""
from harness.autoencoder import Jax, Torch
from harness.driver import Server, build
from harness.rounds import alternate
from harness.side_by_side import Differ
from harness.tables import Row, Table

BAR = 1.0
ONE_CORE = True
# Roundings of single precision in sums of some thousand terms.
ALLOWED = 1e-4


def run(options):
    peers = {}
    try:
        peers = {"JAX in a loop": Jax(scan=True), "JAX step by step": Jax(scan=False)}
    except ImportError as missing:
        print(f"  JAX is skipped: {missing}")
    if options.torch:
        peers["PyTorch"] = Torch(options.torch)
    table = Table("An epoch of an autoencoder, f32", "peer")
    with Server(build("vae")) as elbo:
        found = elbo.ask("check")
        for name, peer in peers.items():
            compare(name, [found["loss"], *found["gradients"]], peer)
        epochs = {name: (lambda p=peer: p.epoch()[0]) for name, peer in peers.items()}
        times = alternate({"elbo": lambda: elbo.ask("epoch")["seconds"]} | epochs, options.rounds)
    fastest = min(peers, key=lambda name: times[name].middle, default=None)
    for name in peers:
        table.add(Row(f"beside {name}", times["elbo"], times[name], BAR if name == fastest else None))
    if not peers:
        table.add(Row("elbo alone", times["elbo"]))
    yield table


def compare(name, found, peer):
    value, gradients = peer.check()
    worst = max(abs(a - b) / abs(b) for a, b in zip(found, [value, *gradients]))
    if not worst <= ALLOWED:
        raise Differ(f"{name}: loss or gradients differ by {worst:.1e}")
