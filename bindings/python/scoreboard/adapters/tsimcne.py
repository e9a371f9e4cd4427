"""tsimcne."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("tsimcne", "0.4.24", "https://github.com/berenslab/t-simcne")


def cosine():
    loss = alone("tsimcne.losses.infonce").InfoNCECosine

    def InfoNCECosine(features, temperature):
        return loss(temperature)(features)["loss"]

    return InfoNCECosine


ENTRIES = [
    Entry("tsimcne-cosine", PACKAGE, "tsimcne.losses.infonce.InfoNCECosine", cosine, options={"form": "concatenated"}),
    Entry(
        "tsimcne-cauchy",
        PACKAGE,
        "tsimcne.losses.infonce.InfoNCECauchy, InfoNCEGaussian",
        None,
        findings=(Finding("not judged", "Another similarity than the cosine."),),
    ),
]
