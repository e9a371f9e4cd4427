"""SimCLR in styles of published PyTorch code: right ones, other conventions, and slips."""

import torch
import torch.nn.functional as F

from torch_losses import hard_negative


class Learnable(torch.nn.Module):
    """The temperature is a parameter of the module, as its logarithm."""

    def __init__(self, temperature=0.2):
        super().__init__()
        self.log_scale = torch.nn.Parameter(-torch.tensor(temperature).double().log())

    def forward(self, z_a, z_b):
        z = F.normalize(torch.cat([z_a, z_b]), dim=-1)
        n = len(z_a)
        logits = z @ z.T * self.log_scale.exp().to(z.dtype)
        logits = logits.masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
        return F.cross_entropy(logits, torch.arange(2 * n).roll(n))


class SupCon(torch.nn.Module):
    """Supervised contrastive code, without labels: `[images, views, d]`, all views contrasted, times t / 0.07."""

    def __init__(self, temperature=0.07, base_temperature=0.07):
        super().__init__()
        self.temperature, self.base_temperature = temperature, base_temperature

    def forward(self, features, labels=None):
        features = F.normalize(features, dim=-1)
        count = features.shape[0]
        mask = torch.eye(count) if labels is None else torch.eq(labels[:, None], labels[None]).float()
        contrast = torch.cat(torch.unbind(features, dim=1), dim=0)
        logits = contrast @ contrast.mT / self.temperature
        logits = logits - logits.max(dim=1, keepdim=True).values.detach()
        others = 1 - torch.eye(2 * count, dtype=logits.dtype)
        mask = mask.repeat(2, 2).to(logits.dtype) * others
        log_prob = logits - torch.log((torch.exp(logits) * others).sum(1, keepdim=True))
        mean_log_prob = (mask * log_prob).sum(1) / mask.sum(1)
        return -(self.temperature / self.base_temperature) * mean_log_prob.mean()


def without_diagonal(out0, out1, temperature):
    """Blocks of the similarities, each without its diagonal, positives first."""
    out0, out1 = F.normalize(out0, dim=1), F.normalize(out1, dim=1)
    n = len(out0)
    keep = ~torch.eye(n, dtype=torch.bool)
    s00, s01, s10, s11 = (a @ b.T / temperature for a in (out0, out1) for b in (out0, out1))
    logits = torch.cat([
        torch.cat([s01.diagonal()[:, None], s00[keep].view(n, -1), s01[keep].view(n, -1)], 1),
        torch.cat([s10.diagonal()[:, None], s11[keep].view(n, -1), s10[keep].view(n, -1)], 1),
    ])
    return F.cross_entropy(logits, torch.zeros(2 * n, dtype=torch.long))


def rolled(z_i, z_j, temperature):
    """The negatives are the batch, rolled by every other number of images."""
    a, b = F.normalize(z_i, dim=1), F.normalize(z_j, dim=1)

    def side(x, y):
        near = (x * y).sum(1)
        far = [(x * torch.roll(other, shift, 0)).sum(1) for shift in range(1, len(x)) for other in (x, y)]
        scores = torch.stack([near, *far], dim=1) / temperature
        return torch.logsumexp(scores, 1) - scores[:, 0]

    return 0.5 * (side(a, b).mean() + side(b, a).mean())


def binary(z_i, z_j, temperature):
    """The logarithm of the odds, by a binary cross entropy with logits."""
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    scores = z @ z.T / temperature
    pairs = torch.eye(n, dtype=torch.bool).repeat(2, 2)
    near = torch.cat([scores.diagonal(n), scores.diagonal(-n)])
    far = torch.logsumexp(scores.masked_fill(pairs, float("-inf")), 1)
    return F.binary_cross_entropy_with_logits(near - far, torch.ones_like(near))


def by_cosine_similarity(z_i, z_j, temperature):
    z = torch.cat([z_i, z_j])
    n = len(z_i)
    scores = F.cosine_similarity(z[:, None], z[None], dim=2) / temperature
    scores = scores - 1e9 * torch.eye(2 * n, dtype=z.dtype)
    return -F.log_softmax(scores, dim=1)[torch.arange(2 * n), torch.arange(2 * n).roll(n)].mean()


def under_autocast(z_i, z_j, temperature):
    """The product of the embeddings in bfloat16, the rest in binary32."""
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = z @ z.T
    scores = (scores.float() / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))


def diagonal_filled_with_0(z_i, z_j, temperature):
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    scores = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), 0.0)
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))


def across_views(z_i, z_j, temperature):
    """As for images and their captions: each view against the other one."""
    logits = F.normalize(z_i, dim=1) @ F.normalize(z_j, dim=1).T / temperature
    target = torch.arange(len(z_i))
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))


def decoupled(z_i, z_j, temperature):
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    scores = z @ z.T / temperature
    pairs = torch.eye(n, dtype=torch.bool).repeat(2, 2)
    near = torch.cat([scores.diagonal(n), scores.diagonal(-n)])
    return (torch.logsumexp(scores.masked_fill(pairs, float("-inf")), 1) - near).mean()


def labels_of_interleaved_views(z_i, z_j, temperature):
    """The rows are those of view 0, then of view 1; the targets are those of neighbours."""
    z = F.normalize(torch.cat([z_i, z_j]), dim=1)
    n = len(z_i)
    scores = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(scores, torch.arange(2 * n) ^ 1)


def temperature_ignored(z_i, z_j, temperature):
    return without_diagonal(z_i, z_j, 1.0)


def temperature_multiplied(z_i, z_j, temperature):
    return without_diagonal(z_i, z_j, 1.0 / temperature)


def divided_by_images_twice(z_i, z_j, temperature):
    return without_diagonal(z_i, z_j, temperature) / len(z_i)


def norms_detached(z_i, z_j, temperature):
    def unit(z):
        return z / z.norm(dim=1, keepdim=True).detach()

    z = torch.cat([unit(z_i), unit(z_j)])
    n = len(z_i)
    scores = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))


def normalised_with_epsilon(z_i, z_j, temperature):
    """`x / (|x| + 1e-3)`: right for long rows alone."""
    def unit(z):
        return z / (z.norm(dim=1, keepdim=True) + 1e-3)

    z = torch.cat([unit(z_i), unit(z_j)])
    n = len(z_i)
    scores = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))


def normalised_along_the_batch(z_i, z_j, temperature):
    """The wrong axis: columns have norm 1, rows have not."""
    z = torch.cat([F.normalize(z_i, dim=0), F.normalize(z_j, dim=0)])
    n = len(z_i)
    scores = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))


def weighted(z_i, z_j, temperature):
    return 0.3 * without_diagonal(z_i, z_j, temperature)


def computed_in_binary32(z_i, z_j, temperature):
    return without_diagonal(z_i.float(), z_j.float(), temperature)


class Dropout(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dropout = torch.nn.Dropout(0.1)

    def forward(self, z_i, z_j):
        return without_diagonal(self.dropout(z_i), z_j, 0.5)


def within_views(z_i, z_j, temperature):
    """The negatives of an anchor are those of its own view."""
    a, b = F.normalize(z_i, dim=1), F.normalize(z_j, dim=1)
    near = (a * b).sum(1) / temperature

    def side(x):
        scores = (x @ x.T / temperature).masked_fill(torch.eye(len(x), dtype=torch.bool), float("-inf"))
        return (torch.logsumexp(torch.cat([near[:, None], scores], 1), 1) - near).mean()

    return 0.5 * (side(a) + side(b))


def query_and_key(query, key, temperature):
    """One direction, each query against the keys."""
    logits = F.normalize(query, dim=1) @ F.normalize(key, dim=1).T / temperature
    return F.cross_entropy(logits, torch.arange(len(query)))


def hardness_ignored(z_i, z_j, temperature, tau_plus, beta):
    return hard_negative(z_i, z_j, temperature, tau_plus, 0.0)


def prior_ignored(z_i, z_j, temperature, tau_plus, beta):
    return hard_negative(z_i, z_j, temperature, 0.0, beta)
