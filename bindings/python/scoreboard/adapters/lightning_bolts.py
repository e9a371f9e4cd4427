"""lightning-bolts: a function, and a method of the module `SimCLR`, which are two programs."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("lightning-bolts", "0.7.0", "https://github.com/Lightning-Universe/lightning-bolts")
# Its decorators say of everything that it is under review.
ABSENT = (
    "pl_bolts.utils.stability",
    "pytorch_lightning",
    "lightning_utilities",
    "torchmetrics",
    "torchvision",
    "lightning_fabric",
)


def function():
    loss = alone(
        "pl_bolts.losses.self_supervised_learning",
        hollow=("pl_bolts.models", "pl_bolts.models.vision", "pl_bolts.utils"),
        absent=ABSENT,
    ).nt_xent_loss

    def nt_xent_loss(z_i, z_j, temperature):
        return loss(z_i, z_j, temperature)

    return nt_xent_loss


def method():
    from torch.nn.functional import normalize

    name = "pl_bolts.models.self_supervised.simclr.simclr_module"
    others = ("pl_bolts.models.self_supervised.resnets", "pl_bolts.optimizers", "pl_bolts.transforms")
    loss = alone(name, hollow=("pl_bolts.utils",), absent=(*ABSENT, *others)).SimCLR.nt_xent_loss

    # The method says that it takes unit rows, and the module's projection makes them so.
    def nt_xent_loss(z_i, z_j, temperature):
        return loss(None, normalize(z_i, dim=1), normalize(z_j, dim=1), temperature)

    return nt_xent_loss


ENTRIES = [
    Entry(
        "lightning-bolts-function",
        PACKAGE,
        "pl_bolts.losses.self_supervised_learning.nt_xent_loss",
        function,
        findings=(
            Finding(
                "limit",
                "Exponentials are formed without taking the largest score off first. In f32 e^{1/t} overflows below t = 0.0113, and the quotient "
                "of positive and sum underflows where a score is 88 t below another; then value or gradient is inf or NaN.",
                "lightning-bolts-function",
            ),
        ),
    ),
    Entry(
        "lightning-bolts-simclr",
        PACKAGE,
        "pl_bolts.models.self_supervised.SimCLR.nt_xent_loss",
        method,
        findings=(
            Finding(
                "convention",
                "10^-6 is added to the sum of the negatives 'for numerical stability'. In f64 this alone makes it differ from NT-Xent.",
            ),
            Finding(
                "fault",
                "The anchor itself is taken out of the sum by subtracting e^{1/t}, which at low temperatures is nearly the whole sum: "
                "f32 keeps few of the digits, and what is clamped has no gradient. Reported as lightning-bolts issues 695 and 811.",
                "lightning-bolts-simclr",
            ),
        ),
    ),
]
