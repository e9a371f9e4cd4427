"""selfclean."""

from entry import Entry, Package
from published import alone

PACKAGE = Package("selfclean", "0.0.39", "https://github.com/Digital-Dermatology/SelfClean")


def nt_xent():
    loss = alone("selfclean.core.src.losses.nt_xent").NTXentLoss

    def NTXentLoss(z_i, z_j, temperature):
        return loss("cpu", len(z_i), temperature, use_cosine_similarity=True)(z_i, z_j)

    return NTXentLoss


ENTRIES = [Entry("selfclean-ntxent", PACKAGE, "selfclean.core.src.losses.nt_xent.NTXentLoss", nt_xent)]
