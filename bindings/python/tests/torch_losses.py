"""Losses as published PyTorch code has them: right ones, and ones with well-known bugs."""

import math

import torch
import torch.nn.functional as F


def cross_entropy(z_i, z_j, temperature=0.5):
    """SimCLR as masked cross entropy."""
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    similarity = (z @ z.mT / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(similarity, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


def fixed_temperature(features):
    """All views in one tensor, the temperature a constant."""
    return cross_entropy(*features.chunk(2), 0.5)


def sum_of_anchors(z_i, z_j, temperature):
    return cross_entropy(z_i, z_j, temperature) * 2 * len(z_i)


def by_image(features, temperature):
    """`[images, views, d]`, as supervised contrastive code has it."""
    return cross_entropy(features[:, 0], features[:, 1], temperature)


def interleaved(z, temperature):
    """Views of an image in rows next to each other."""
    return cross_entropy(z[0::2], z[1::2], temperature)


def one_direction(query, key, temperature):
    z = torch.cat([query, key])
    n = len(query)
    scores = query @ z.mT / temperature
    scores = scores.masked_fill(torch.eye(2 * n, dtype=torch.bool)[:n], float("-inf"))
    return F.cross_entropy(scores, torch.arange(n, 2 * n))


def each_image(z_i, z_j, temperature):
    """The value of each image, without a reduction."""
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    similarity = (z @ z.mT / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    target = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return F.cross_entropy(similarity, target, reduction="none").reshape(2, n).mean(0)


class Module(torch.nn.Module):
    def __init__(self, temperature=0.5):
        super().__init__()
        self.temperature = temperature

    def forward(self, z_i, z_j):
        return cross_entropy(z_i, z_j, self.temperature)


def _hard(z_i, z_j, temperature, tau_plus, beta):
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    scores = z @ z.mT / temperature
    mask = torch.eye(n, dtype=torch.bool).repeat(2, 2)
    negatives = scores[~mask].reshape(2 * n, -1)
    positive = ((z[:n] * z[n:]).sum(1) / temperature).repeat(2)
    count = negatives.shape[1]
    log_mean = torch.logsumexp((beta + 1) * negatives, 1) - torch.logsumexp(beta * negatives, 1)
    # Everything less the positive, so that nothing overflows.
    estimate = (torch.exp(log_mean - positive) - tau_plus) / (1 - tau_plus)
    estimate = torch.maximum(estimate, torch.exp(-1 / temperature - positive))
    return torch.log1p(count * estimate).mean()


def hard_negative(z_i, z_j, temperature, tau_plus, beta):
    return _hard(z_i, z_j, temperature, tau_plus, beta)


def debiased(z_i, z_j, temperature, tau_plus):
    return _hard(z_i, z_j, temperature, tau_plus, 0.0)


def nca_tuples(anchor, positives, negatives, temperature):
    """NCA with the plain mean, each anchor with arrays of its own, and a value for each."""
    near = torch.einsum("bd,bmd->bm", anchor, positives) / temperature
    far = torch.einsum("bd,bnd->bn", anchor, negatives) / temperature
    everything = torch.logsumexp(torch.cat([near, far], 1), 1)
    return everything - torch.logsumexp(near, 1)


def _parts(z_i, z_j, temperature):
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    cosines = z @ z.mT
    pairs = torch.eye(n, dtype=torch.bool).repeat(2, 2)
    positive = (z[:n] * z[n:]).sum(1).repeat(2)
    return cosines / temperature, positive / temperature, pairs, torch.eye(2 * n, dtype=torch.bool), positive


def self_pair_left(z_i, z_j, temperature):
    scores, positive, _, _, _ = _parts(z_i, z_j, temperature)
    return (torch.logsumexp(scores, 1) - positive).mean()


def positive_missing(z_i, z_j, temperature):
    scores, positive, pairs, _, _ = _parts(z_i, z_j, temperature)
    return (torch.logsumexp(scores.masked_fill(pairs, float("-inf")), 1) - positive).mean()


def temperature_missing_on_positive(z_i, z_j, temperature):
    scores, _, _, own, cosine = _parts(z_i, z_j, temperature)
    return (torch.logsumexp(scores.masked_fill(own, float("-inf")), 1) - cosine).mean()


def constant_self_pair(views, temperature):
    """The value is right: what is subtracted has the self pair's value, but not its gradient."""
    z = views.reshape(-1, views.shape[-1])
    n = len(z) // 2
    kernels = torch.exp(z @ z.mT / temperature)
    positive = torch.exp((z[:n] * z[n:]).sum(1) / temperature).repeat(2)
    denominator = kernels.sum(1) - torch.exp(torch.ones((), dtype=z.dtype) / temperature)
    return -torch.log(positive / denominator).mean()


def constant_self_pair_behind_normalisation(z_i, z_j, temperature):
    """The same behind a normalisation, which takes the radial part away: what is left cancels in binary32."""
    return constant_self_pair(F.normalize(torch.stack([z_i, z_j]), dim=-1), temperature)


def second_view_detached(z_i, z_j, temperature):
    return cross_entropy(z_i, z_j.detach(), temperature)


def twice_the_gradient(z_i, z_j, temperature):
    value = cross_entropy(z_i, z_j, temperature)
    return 2 * value - value.detach()


def overflowing(z_i, z_j, temperature):
    """Right on paper: `e^{1/t}` overflows at a low temperature."""
    scores, positive, _, own, _ = _parts(z_i, z_j, temperature)
    return -torch.log(torch.exp(positive) / torch.exp(scores).masked_fill(own, 0.0).sum(1)).mean()


def hard_negative_normalised_by_sum(z_i, z_j, temperature, tau_plus, beta):
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    scores = z @ z.mT / temperature
    negatives = scores[~torch.eye(n, dtype=torch.bool).repeat(2, 2)].reshape(2 * n, -1)
    positive = torch.exp((z[:n] * z[n:]).sum(1) / temperature).repeat(2)
    weights = torch.softmax(beta * negatives, 1)
    mean = (weights * torch.exp(negatives)).mean(1)
    estimate = torch.clamp((mean - tau_plus * positive) / (1 - tau_plus), min=math.exp(-1 / temperature))
    return torch.log((positive + negatives.shape[1] * estimate) / positive).mean()


def debiased_tuples(anchor, positives, negatives, debias_positives, temperature, tau_plus):
    """The draws of positives are an argument that has no default."""
    near = (anchor * positives[:, 0]).sum(1) / temperature

    def mean(rows):
        scores = torch.einsum("bd,bnd->bn", anchor, rows) / temperature
        return torch.exp(torch.logsumexp(scores, 1) - math.log(scores.shape[1]) - near)

    estimate = (mean(negatives) - tau_plus * mean(debias_positives)) / (1 - tau_plus)
    estimate = torch.maximum(estimate, torch.exp(-1 / temperature - near))
    return torch.log1p(negatives.shape[1] * estimate)
