"""PyTorch's autograd, called from Python step by step as its users do."""
import time

import numpy as np


def find(cores):
    """PyTorch with as many threads as there are cores to use, if it is there, or nothing."""
    try:
        import torch
    except ImportError as missing:
        print(f"PyTorch is skipped: {missing}")
        return None
    torch.set_num_threads(cores)
    print(f"PyTorch {torch.__version__}, {cores} threads")
    return torch


class Network:
    """The log density of `models/network.vi`, up to a constant, in elbo's order of parameters."""

    def __init__(self, options, data):
        self.torch = torch = options.torch
        kind = torch.float32 if options.x32 else torch.float64
        self.tensor = lambda x: torch.tensor(np.array(x), dtype=kind)
        self.X, self.y = self.tensor(data["X"]), torch.tensor(data["y"] - 1)
        P, H, C = self.X.shape[1], data["H"], data["C"]
        self.shapes, self.n = [(P, H), (H,), (H, C), (C,)], None

    def start(self, at):
        """The parameters at elbo's flat vector."""
        parts = np.split(at, np.cumsum([int(np.prod(s)) for s in self.shapes])[:-1])
        self.parameters = [self.tensor(p.reshape(s)).requires_grad_() for p, s in zip(parts, self.shapes)]

    def step(self):
        W1, b1, W2, b2 = self.parameters
        logits = self.torch.tanh(self.X @ W1 + b1) @ W2 + b2
        prior = sum((p * p).sum() for p in self.parameters)
        value = -0.5 * prior - self.torch.nn.functional.cross_entropy(logits, self.y, reduction="sum")
        return value, self.torch.autograd.grad(value, self.parameters)

    def at(self, at):
        self.start(at[0])
        value, gradients = self.step()
        flat = np.concatenate([g.numpy().ravel() for g in gradients])
        return np.array([value.item()]), flat[None]

    def seconds(self, ms):
        if self.n is None:
            self.n = 1
            while self.measure() * 1e3 < ms:
                self.n *= 2
        return self.measure() / self.n

    def measure(self):
        begin = time.perf_counter()
        for _ in range(self.n):
            _, gradients = self.step()
            with self.torch.no_grad():
                for p, g in zip(self.parameters, gradients):
                    p.add_(g, alpha=1e-15)
        return time.perf_counter() - begin
