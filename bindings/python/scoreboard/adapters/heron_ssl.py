"""heron-ssl."""

from entry import Entry, Package
from published import alone

PACKAGE = Package("heron-ssl", "0.1.0a1", "https://github.com/habedi/heron")


def nt_xent():
    loss = alone("heron_ssl.losses.nt_xent").nt_xent_loss

    def nt_xent_loss(projections, temperature):
        return loss(projections, temperature)

    return nt_xent_loss


ENTRIES = [Entry("heron-ssl-ntxent", PACKAGE, "heron_ssl.losses.nt_xent_loss", nt_xent, framework="jax")]
