"""mk-ssl: three of its modalities have an NT-Xent each."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("mk-ssl", "0.1.4", "https://github.com/MK-SSL-Lab/mk-unified-ssl-toolbox")


FILES = {
    "vision": "MK_SSL.vision.models.modules.losses.nt_xent",
    "audio": "MK_SSL.audio.models.modules.losses.NTXent_loss",
    "graph": "MK_SSL.graph.models.modules.losses.graphcl_loss",
}


def of(modality, name):
    def make():
        loss = getattr({part: alone(file) for part, file in FILES.items()}[modality], name)

        def function(z_i, z_j, temperature):
            return loss(temperature=temperature)(z_i, z_j)

        function.__name__ = name
        return function

    return make


OVERFLOWS = Finding(
    "limit",
    "Exponentials are formed without taking the largest score off first. In f32 e^{1/t} overflows below t = 0.0113, and the quotient "
    "of positive and sum underflows where a score is 88 t below another; then value or gradient is inf or NaN.",
    "mk-ssl",
)
ENTRIES = [
    Entry(
        "mk-ssl-vision", PACKAGE, "MK_SSL.vision.models.modules.losses.NT_Xent", of("vision", "NT_Xent"), findings=(OVERFLOWS,)
    ),
    Entry(
        "mk-ssl-audio", PACKAGE, "MK_SSL.audio.models.modules.losses.NTXentLoss", of("audio", "NTXentLoss"), findings=(OVERFLOWS,)
    ),
    Entry("mk-ssl-graph", PACKAGE, "MK_SSL.graph.models.modules.losses.NTXentGraphLoss", of("graph", "NTXentGraphLoss")),
    Entry(
        "mk-ssl-moco",
        PACKAGE,
        "MK_SSL.vision.models.modules.losses.InfoNCE_MoCoV3",
        None,
        findings=(
            Finding(
                "not judged",
                "The negatives of a query are the keys of the other images, N = B - 1: another set than the judge's.",
            ),
        ),
    ),
]
