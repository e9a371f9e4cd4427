"""simclr."""

from entry import Entry, Package
from published import alone

PACKAGE = Package("simclr", "1.0.2", "https://github.com/Spijkervet/SimCLR")


def nt_xent():
    loss = alone("simclr.modules.nt_xent").NT_Xent

    def NT_Xent(z_i, z_j, temperature):
        return loss(batch_size=len(z_i), temperature=temperature, world_size=1)(z_i, z_j)

    return NT_Xent


ENTRIES = [Entry("simclr-ntxent", PACKAGE, "simclr.modules.NT_Xent", nt_xent)]
