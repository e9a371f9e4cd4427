"""contrastive-learner."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("contrastive-learner", "0.1.1", "https://github.com/lucidrains/contrastive-learner")


def nt_xent():
    loss = alone("contrastive_learner.contrastive_learner", absent=("torchvision", "kornia")).nt_xent_loss

    def nt_xent_loss(queries, keys, temperature):
        return loss(queries, keys, temperature=temperature)

    return nt_xent_loss


ENTRIES = [
    Entry("contrastive-learner-ntxent", PACKAGE, "contrastive_learner.contrastive_learner.nt_xent_loss", nt_xent),
    Entry(
        "contrastive-learner-contrastive",
        PACKAGE,
        "contrastive_learner.contrastive_learner.contrastive_loss",
        None,
        findings=(
            Finding("not judged", "The negatives of a query are the other keys, N = B - 1: another set than the judge's."),
        ),
    ),
]
