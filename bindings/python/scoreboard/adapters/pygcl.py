"""PyGCL: its losses under its own sampler of masks, with the negatives of both views."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("PyGCL", "0.1.2", "https://github.com/PyGCL/PyGCL")


def contrast(name):
    """A loss of PyGCL as a function of two views and the loss's own parameters."""
    contrast = alone("GCL.models", absent=("torch_scatter", "torch_geometric")).DualBranchContrast
    loss = getattr(alone("GCL.losses"), name)
    return lambda z_i, z_j, *parameters: contrast(loss(*parameters), mode="L2L", intraview_negs=True)(h1=z_i, h2=z_j)


def info_nce():
    loss = contrast("InfoNCE")

    def InfoNCE(z_i, z_j, temperature):
        return loss(z_i, z_j, temperature)

    return InfoNCE


def single_positive():
    loss = contrast("InfoNCESP")

    def InfoNCESP(z_i, z_j, temperature):
        return loss(z_i, z_j, temperature)

    return InfoNCESP


def debiased():
    loss = contrast("DebiasedInfoNCE")

    def DebiasedInfoNCE(z_i, z_j, temperature, tau_plus):
        return loss(z_i, z_j, temperature, tau_plus)

    return DebiasedInfoNCE


def hardness():
    loss = contrast("HardnessInfoNCE")

    def HardnessInfoNCE(z_i, z_j, temperature, tau_plus, beta):
        return loss(z_i, z_j, temperature, tau_plus, beta)

    return HardnessInfoNCE


KEPT = (
    "With intraview_negs=True the anchor itself is one of its negatives: the masks that the sampler makes are replaced by 1 - pos_mask, which has "
    "the anchor's own place in it."
)
PLAIN = Finding(
    "limit", "Exponentials are formed without taking the largest score off first: in f32 e^{1/t} overflows below t = 0.0113."
)
RAISES = Finding(
    "fault",
    "It cannot be called: two vectors are added and summed over a second dimension, which they do not have.",
    "pygcl-debiased",
)
ENTRIES = [
    Entry(
        "pygcl-infonce",
        PACKAGE,
        "DualBranchContrast(InfoNCE(tau), 'L2L', intraview_negs=True)",
        info_nce,
        findings=(Finding("fault", KEPT, "pygcl-infonce"), PLAIN),
    ),
    Entry(
        "pygcl-infoncesp",
        PACKAGE,
        "DualBranchContrast(InfoNCESP(tau), 'L2L', intraview_negs=True)",
        single_positive,
        findings=(Finding("fault", KEPT, "pygcl-infonce"), PLAIN),
    ),
    Entry(
        "pygcl-debiased",
        PACKAGE,
        "DualBranchContrast(DebiasedInfoNCE(tau, tau_plus), 'L2L', intraview_negs=True)",
        debiased,
        loss="debiased",
        findings=(RAISES,),
    ),
    Entry(
        "pygcl-hardness",
        PACKAGE,
        "DualBranchContrast(HardnessInfoNCE(tau, tau_plus, beta), 'L2L', intraview_negs=True)",
        hardness,
        loss="hard_negative",
        findings=(RAISES,),
    ),
]
