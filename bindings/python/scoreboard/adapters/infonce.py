"""infonce."""

from entry import Entry, Finding, Package

PACKAGE = Package("infonce", "0.3", "https://pypi.org/project/infonce/0.3/")


def info_nce():
    import infonce

    def InfoNCE(features, temperature):
        return infonce.InfoNCE(temperature)(features)

    return InfoNCE


def supervised():
    import infonce
    import torch

    def SupervisedInfoNCE(z_i, z_j, temperature):
        images = torch.arange(len(z_i), device=z_i.device)
        return infonce.SupervisedInfoNCE(temperature)(torch.cat([z_i, z_j]), torch.cat([images, images]))

    return SupervisedInfoNCE


ENTRIES = [
    Entry("infonce-infonce", PACKAGE, "infonce.InfoNCE", info_nce, options={"form": "concatenated"}),
    Entry(
        "infonce-supervised",
        PACKAGE,
        "infonce.SupervisedInfoNCE",
        supervised,
        findings=(
            Finding("convention", "The denominator has the negatives alone, without the positive: the value may be below 0."),
            Finding(
                "fault",
                "In both sums the anchor itself stands with a score of 0, which is e^0 = 1 more in each.",
                "infonce-supervised",
            ),
        ),
    ),
]
