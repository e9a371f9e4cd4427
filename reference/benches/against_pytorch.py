#!/usr/bin/env python3
"""SimCLR in f64, value and gradient: the exact reference against PyTorch's masked cross entropy.

Both run in one run, in turns, on the same cores:

    python reference/benches/against_pytorch.py [--threads 2] [--rounds 15]

In each round PyTorch and the reference repeat the same size for the same time, one after the other. The table
gives the median over the rounds of each one's median time, and the median and quartiles over the rounds of
their ratio, so that what slows down the machine for a while slows down both sides of a ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

try:
    import torch
except ImportError:
    sys.exit("PyTorch is missing: pip install torch (the CPU build is enough)")

SIZES = [(8, 16), (64, 128), (256, 128), (512, 128)]
TEMPERATURE = 0.5
ROOT = Path(__file__).resolve().parents[2]


def build():
    """The path of the program that times the reference."""
    command = ["cargo", "build", "--release", "-p", "intnacl-reference", "--example", "time_simclr"]
    output = subprocess.run(
        [*command, "--message-format", "json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    messages = map(json.loads, output.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


class Reference:
    """The reference in a process of its own, which waits while PyTorch runs."""

    def __init__(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([build()], stdin=pipe, stdout=pipe, text=True)

    def times(self, images, dimension, repetitions):
        print(images, dimension, repetitions, file=self.process.stdin, flush=True)
        return [float(number) for number in self.process.stdout.readline().split()]


class PyTorch:
    def times(self, images, dimension, repetitions):
        step = self.step(images, dimension)
        times = []
        for _ in range(repetitions):
            start = time.perf_counter()
            step()
            times.append((time.perf_counter() - start) * 1e3)
        return times

    def step(self, images, dimension):
        generator = torch.Generator().manual_seed(1)
        views = []
        for _ in range(2):
            view = torch.randn(images, dimension, generator=generator, dtype=torch.float64)
            views.append(torch.nn.functional.normalize(view, dim=1).requires_grad_())
        indices = torch.arange(images)
        paired = torch.cat([indices + images, indices])
        diagonal = torch.eye(2 * images, dtype=torch.bool)

        def step():
            rows = torch.cat(views)
            scores = (rows @ rows.T / TEMPERATURE).masked_fill(diagonal, -torch.inf)
            loss = torch.nn.functional.cross_entropy(scores, paired)
            return loss, torch.autograd.grad(loss, views)

        return step


def compare(reference, pytorch, size, rounds, seconds):
    """For each round the median times of both."""
    sides = (pytorch, reference)
    counts = [max(3, round(seconds * 1e3 / statistics.median(side.times(*size, 5)))) for side in sides]
    return [
        tuple(statistics.median(side.times(*size, count)) for side, count in zip(sides, counts))
        for _ in range(rounds)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="cores for both (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds a size (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.2, help="of each side in each round")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        # Inherited by the reference's process, which takes as many threads as it has cores.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    torch.set_num_threads(arguments.threads)

    reference, pytorch = Reference(), PyTorch()
    for size in SIZES:
        # Memory that a process has used once it gets back faster, at smaller sizes too.
        reference.times(*size, 3)
        pytorch.times(*size, 3)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads, times in ms")
    print(f"{'B':>5} {'d':>5} {'PyTorch':>9} {'reference':>9}   ratio (quartiles)")
    for size in SIZES:
        rounds = compare(reference, pytorch, size, arguments.rounds, arguments.seconds)
        theirs, ours = (statistics.median(side) for side in zip(*rounds))
        low, middle, high = statistics.quantiles([ours / theirs for theirs, ours in rounds], n=4)
        print(
            f"{size[0]:5} {size[1]:5} {theirs:9.3f} {ours:9.3f}   {middle:.2f} ({low:.2f} to {high:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
