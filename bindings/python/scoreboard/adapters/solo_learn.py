"""solo-learn: the last version on PyPI."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("solo-learn", "1.0.2", "https://github.com/vturrisi/solo-learn")


def simclr():
    loss = alone("solo.losses.simclr").simclr_loss_func

    def simclr_loss_func(z_i, z_j, temperature):
        return loss(z_i, z_j, temperature)

    return simclr_loss_func


def manual():
    import torch

    loss = alone("solo.losses.simclr").manual_simclr_loss_func

    def manual_simclr_loss_func(z_i, z_j, temperature):
        images = torch.arange(len(z_i), device=z_i.device).repeat(2)
        same = images[:, None] == images
        itself = torch.eye(len(images), dtype=torch.bool, device=z_i.device)
        return loss(torch.cat([z_i, z_j]), same & ~itself, ~same, temperature)

    return manual_simclr_loss_func


LARGEST = Finding(
    "limit",
    "The score that is taken off before the exponentials is the anchor's own, 1/t, which does not take part in the sum. Where all others lie more than "
    "103 t (f32) below it, nothing is left of the sum, and the value is NaN.",
    "solo-learn-simclr",
)
ENTRIES = [
    Entry("solo-learn-simclr", PACKAGE, "solo.losses.simclr.simclr_loss_func", simclr, findings=(LARGEST,)),
    Entry("solo-learn-manual-simclr", PACKAGE, "solo.losses.simclr.manual_simclr_loss_func", manual, findings=(LARGEST,)),
]
