#!/usr/bin/env python3
"""Fits `examples/autoencoder` with elbo and with a PyTorch twin, equally many steps each, and prints both ELBOs and times.

    python3 bench/autoencoder_twin.py [--elbo target/release/elbo] [--steps 4000] [--rates 0.03 0.01 0.003 0.001]

The twin has the same layers, the same law of initial weights (Glorot & Bengio 2010), the same images in batches of 100, two antithetic draws
a step and Adam, on one core and in double precision. elbo searches its step size (0.03 here) and reports the average of later iterates;
the twin is run with several rates, and judged both by its last weights and by their average over the later half of its steps.
"""
import argparse
import json
import pathlib
import subprocess
import time

import numpy as np
import torch

LATENT, HIDDEN, BATCH, DRAWS = 8, 64, 100, 2
EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "autoencoder"


def images():
    data = np.load(EXAMPLE / "autoencoder.npz")
    white = data["train_images"].reshape(-1, data["pixels"]) > 8
    return torch.from_numpy(white.astype(np.float64))


def start(pixels):
    """Weights and constants of encoder and decoder, layer by layer."""
    layers = [(HIDDEN, pixels), (2 * LATENT, HIDDEN), (HIDDEN, LATENT), (pixels, HIDDEN)]
    parameters = []
    for out, within in layers:
        width = (6 / (out + within)) ** 0.5
        parameters.append(torch.empty(out, within, dtype=torch.float64).uniform_(-width, width))
        parameters.append(torch.zeros(out, dtype=torch.float64))
    return [p.requires_grad_() for p in parameters]


def elbo(p, x):
    """The ELBO of some images, estimated by two antithetic draws."""
    code = torch.tanh(x @ p[0].T + p[1]) @ p[2].T + p[3]
    mean, log_sd = code[:, :LATENT], code[:, LATENT:]
    noise = torch.randn(DRAWS // 2, *mean.shape, dtype=x.dtype)
    z = mean + log_sd.exp() * torch.cat([noise, -noise])
    ink = torch.tanh(z @ p[4].T + p[5]) @ p[6].T + p[7]
    log_likelihood = (x * ink - torch.nn.functional.softplus(ink)).sum() / DRAWS
    divergence = 0.5 * (mean**2 + (2 * log_sd).exp() - 2 * log_sd - 1).sum()
    return log_likelihood - divergence


def twin(x, steps, rate, seed=1):
    """ELBO of all images by the last weights and by averaged ones, and seconds."""
    torch.manual_seed(seed)
    p = start(x.shape[1])
    average, count = [torch.zeros_like(q) for q in p], 0
    adam = torch.optim.Adam(p, lr=rate)
    begin, done = time.perf_counter(), 0
    while done < steps:
        for rows in torch.randperm(len(x)).split(BATCH)[: steps - done]:
            adam.zero_grad()
            (-elbo(p, x[rows])).backward()
            adam.step()
            done += 1
            if done > steps // 2:
                count += 1
                for mean, q in zip(average, p):
                    mean += (q.detach() - mean) / count
    seconds = time.perf_counter() - begin
    judge = lambda p: float(np.mean([elbo(p, x).item() for _ in range(200)]))
    with torch.no_grad():
        return judge(p), judge(average), seconds


def ours(binary, steps, seed=1):
    """ELBO and seconds of `elbo fit`."""
    command = [binary, "fit", EXAMPLE / "autoencoder.vi", "--max-steps", str(steps), "--seed", str(seed), "--threads", "1", "--json"]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    return found["elbo"]["mean"], found["seconds"]["total"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--elbo", default="target/release/elbo")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.03, 0.01, 0.003, 0.001])
    options = parser.parse_args()
    torch.set_num_threads(1)
    x = images()
    print(f"{options.steps} steps, {options.steps * BATCH // len(x)} epochs of {len(x)} images; ELBO in nats an image")
    for seed in [1, 2, 3]:
        value, seconds = ours(options.elbo, options.steps, seed)
        print(f"elbo, seed {seed}:           {value / len(x):8.3f}   {seconds:5.1f} s", flush=True)
    for rate in options.rates:
        last, averaged, seconds = twin(x, options.steps, rate)
        print(f"PyTorch, Adam at {rate:<6}: {averaged / len(x):8.3f}   {seconds:5.1f} s   (last weights {last / len(x):.3f})", flush=True)


if __name__ == "__main__":
    main()
