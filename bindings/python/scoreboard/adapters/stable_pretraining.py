"""stable-pretraining: NT-Xent in PyTorch and in JAX, and its InfoNCE anchor by anchor, as the tuples of the judge."""

from entry import Entry, Package
from published import alone

PACKAGE = Package(
    "stable-pretraining", "0.1.8", "https://github.com/galilai-group/stable-pretraining", needs=("optax==0.2.8", "absl-py==2.3.1")
)


def torch_losses():
    # Of its `utils` a loss asks for the gathering of ranks alone.
    of = {"stable_pretraining.utils": "stable_pretraining.utils.distributed"}
    return alone("stable_pretraining.losses.joint_embedding", of=of, absent=("loguru",))


def nt_xent():
    loss = torch_losses().NTXEntLoss

    def NTXEntLoss(z_i, z_j, temperature):
        return loss(temperature)(z_i, z_j)

    return NTXEntLoss


def info_nce():
    import torch

    loss = torch_losses().InfoNCELoss

    def InfoNCELoss(anchor, positives, negatives, temperature):
        place = torch.zeros(1, dtype=torch.long)
        rows = zip(anchor, positives, negatives)
        return torch.stack([loss(temperature)(a[None], torch.cat([p[:1], n]), place) for a, p, n in rows])

    return InfoNCELoss


def nt_xent_of_jax():
    loss = alone("stable_pretraining.jax.losses.joint_embedding").NTXEntLoss

    def NTXEntLoss(z_i, z_j, temperature):
        return loss(temperature)(z_i, z_j)

    return NTXEntLoss


ENTRIES = [
    Entry("stable-pretraining-ntxent", PACKAGE, "stable_pretraining.losses.NTXEntLoss", nt_xent),
    Entry("stable-pretraining-infonce", PACKAGE, "stable_pretraining.losses.InfoNCELoss", info_nce),
    Entry("stable-pretraining-ntxent-jax", PACKAGE, "stable_pretraining.jax.losses.NTXEntLoss", nt_xent_of_jax, framework="jax"),
]
