"""selfeeg."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("selfeeg", "0.2.2", "https://github.com/MedMaxLab/selfEEG")


def simclr():
    loss = alone("selfeeg.losses.losses").simclr_loss

    def simclr_loss(projections, temperature):
        return loss(projections, temperature=temperature)

    return simclr_loss


ENTRIES = [
    Entry(
        "selfeeg-simclr",
        PACKAGE,
        "selfeeg.losses.simclr_loss",
        simclr,
        findings=(Finding("convention", "Both directions are added, not averaged, as its documentation says."),),
    )
]
