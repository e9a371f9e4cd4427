"""Losses of NumPy, which give value and gradient."""

import numpy as np


def simclr(z_i, z_j, temperature):
    """SimCLR of unit rows."""
    z = np.concatenate([z_i, z_j])
    n = len(z_i)
    scores = z @ z.T / np.asarray(temperature, z.dtype)
    np.fill_diagonal(scores, -np.inf)
    largest = scores.max(1, keepdims=True)
    kernels = np.exp(scores - largest)
    total = kernels.sum(1, keepdims=True)
    target = np.r_[n : 2 * n, :n]
    value = (np.log(total[:, 0]) + largest[:, 0] - scores[np.arange(2 * n), target]).mean()
    slopes = kernels / total
    slopes[np.arange(2 * n), target] -= 1
    gradient = (slopes + slopes.T) @ z / np.asarray(2 * n * temperature, z.dtype)
    return value, (gradient[:n], gradient[n:])


def wrong_gradient(z_i, z_j, temperature):
    """Only the anchors' part of the gradient."""
    value, (first, second) = simclr(z_i, z_j, temperature)
    return value, (first, 0 * second)


def gradient_by_scores(z_i, z_j, temperature):
    """The gradient by products, not by scores: the temperature is forgotten."""
    value, gradient = simclr(z_i, z_j, temperature)
    return value, tuple(part * np.asarray(temperature, part.dtype) for part in gradient)


def binary_logarithm(z_i, z_j, temperature):
    value, gradient = simclr(z_i, z_j, temperature)
    factor = np.asarray(1 / np.log(2), z_i.dtype)
    return value * factor, tuple(part * factor for part in gradient)
