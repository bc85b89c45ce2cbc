#!/usr/bin/env python3
"""Seconds for an epoch of the autoencoder of `benches/vae.rs` in PyTorch, on one core.

    taskset -c 1 python3 bench/vae_torch.py [EPOCHS]
"""
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
PIXELS, HIDDEN, LATENT, BATCH = 784, 400, 20, 128


def images(count, generator):
    loadings = torch.randn(10, PIXELS, generator=generator)
    logits = torch.randn(count, 10, generator=generator) @ loadings - 1.0
    return (torch.rand(count, PIXELS, generator=generator) < torch.sigmoid(logits)).float()


def parameter(*shape):
    width = shape[0] ** -0.5 if len(shape) > 1 else 0.0
    return torch.empty(shape).uniform_(-1, 1).mul_(width).requires_grad_()


def main():
    torch.manual_seed(1)
    data = images(60_000, torch.Generator().manual_seed(1))
    shapes = [(PIXELS, HIDDEN), (HIDDEN,), (HIDDEN, 2 * LATENT), (2 * LATENT,),
              (LATENT, HIDDEN), (HIDDEN,), (HIDDEN, PIXELS), (PIXELS,)]
    p = [parameter(*shape) for shape in shapes]
    adam = torch.optim.Adam(p, lr=1e-3, fused=True)
    for epoch in range(1, (int(sys.argv[1]) if len(sys.argv) > 1 else 3) + 1):
        order = torch.randperm(len(data))
        start, total, batches = time.perf_counter(), 0.0, len(data) // BATCH
        for i in range(batches):
            x = data[order[i * BATCH:(i + 1) * BATCH]]
            hidden = torch.relu(torch.addmm(p[1], x, p[0]))
            mean, log_variance = torch.addmm(p[3], hidden, p[2]).split(LATENT, 1)
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            hidden = torch.relu(torch.addmm(p[5], z, p[4]))
            logits = torch.addmm(p[7], hidden, p[6])
            loss = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
            loss = (loss + 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()) / BATCH
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            total += loss.item()
        print(f"PyTorch epoch {epoch}: {time.perf_counter() - start:.2f} s, {total / batches:.2f} nats an image", flush=True)


main()
