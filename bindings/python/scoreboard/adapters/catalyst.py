"""catalyst."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("catalyst", "22.4", "https://github.com/catalyst-team/catalyst")


def nt_xent():
    loss = alone("catalyst.contrib.losses.ntxent").NTXentLoss

    def NTXentLoss(z_i, z_j, temperature):
        return loss(tau=temperature)(z_i, z_j)

    return NTXentLoss


def supervised(aggregation):
    def make():
        import torch

        loss = alone("catalyst.contrib.losses.supervised_contrastive").SupervisedContrastiveLoss

        def SupervisedContrastiveLoss(z_i, z_j, temperature):
            images = torch.arange(len(z_i), device=z_i.device)
            return loss(tau=temperature, pos_aggregation=aggregation)(torch.cat([z_i, z_j]), torch.cat([images, images]))

        return SupervisedContrastiveLoss

    return make


SUBTRACTED = (
    "The anchor itself is taken out of the sum by subtracting e^{1/t}. At low temperatures that is nearly the whole sum, and what "
    "is left has few digits; where nothing is left, the value is -inf or NaN. Below t = 0.0014 the constant itself overflows, "
    "which Python answers with OverflowError."
)
ENTRIES = [
    Entry(
        "catalyst-ntxent",
        PACKAGE,
        "catalyst.contrib.losses.NTXentLoss",
        nt_xent,
        findings=(Finding("fault", SUBTRACTED, "catalyst-ntxent"),),
    ),
    Entry(
        "catalyst-supcon-in",
        PACKAGE,
        "SupervisedContrastiveLoss(pos_aggregation='in')",
        supervised("in"),
        findings=(
            Finding(
                "fault",
                f"{SUBTRACTED} Here the positives are found by the same subtraction, so that digits are lost earlier.",
                "catalyst-supcon-in",
            ),
        ),
    ),
    Entry(
        "catalyst-supcon-out",
        PACKAGE,
        "SupervisedContrastiveLoss(pos_aggregation='out')",
        supervised("out"),
        findings=(Finding("fault", SUBTRACTED, "catalyst-ntxent"),),
    ),
]
