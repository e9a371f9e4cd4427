"""lightly."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("lightly", "1.6.0", "https://github.com/lightly-ai/lightly")


def nt_xent():
    hollow = ("lightly.models", "lightly.models.modules", "lightly.utils")
    loss = alone("lightly.loss.ntx_ent_loss", hollow=hollow, absent=("torchvision",)).NTXentLoss

    def NTXentLoss(z_i, z_j, temperature):
        return loss(temperature)(z_i, z_j)

    return NTXentLoss


ENTRIES = [
    Entry("lightly-ntxent", PACKAGE, "lightly.loss.NTXentLoss", nt_xent),
    Entry(
        "lightly-dcl",
        PACKAGE,
        "lightly.loss.DCLLoss, DCLWLoss",
        None,
        findings=(
            Finding(
                "not judged",
                "The denominator leaves the positive out, as its paper defines it: another loss than the judge knows.",
            ),
        ),
    ),
]
