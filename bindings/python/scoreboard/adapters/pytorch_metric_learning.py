"""pytorch-metric-learning: labels are the images, so that each view has one positive."""

from entry import Entry, Finding, Package
from published import alone

PACKAGE = Package("pytorch-metric-learning", "2.9.0", "https://github.com/KevinMusgrave/pytorch-metric-learning")


def of(file, name, mean=False):
    def make():
        loss = getattr(alone(f"pytorch_metric_learning.losses.{file}", absent=("sklearn", "tqdm")), name)
        reducer = {"reducer": alone("pytorch_metric_learning.reducers.mean_reducer").MeanReducer()} if mean else {}
        wrapper = alone("pytorch_metric_learning.losses.self_supervised_loss").SelfSupervisedLoss

        def function(z_i, z_j, temperature):
            return wrapper(loss(temperature=temperature, **reducer))(z_i, z_j)

        function.__name__ = name
        return function

    return make


ENTRIES = [
    Entry(
        "pytorch-metric-learning-ntxent",
        PACKAGE,
        "SelfSupervisedLoss(NTXentLoss(temperature))",
        of("ntxent_loss", "NTXentLoss"),
        findings=(
            Finding(
                "limit",
                "The smallest normal number of the type is added inside the logarithm. Where the positive lies more than 87 t (f32) or 708 t (f64) below "
                "a negative, the loss stays at 87.3 or 708.4 and its gradient is 0.",
                "pytorch-metric-learning-ntxent",
            ),
        ),
    ),
    Entry(
        "pytorch-metric-learning-supcon",
        PACKAGE,
        "SelfSupervisedLoss(SupConLoss(temperature))",
        of("supcon_loss", "SupConLoss"),
        findings=(
            Finding(
                "convention",
                "Its default reducer, AvgNonZeroReducer, means over the anchors whose loss is above 0. Which round to 0 depends on the type: the "
                "same batch can have another value in f32 than in f64. With reducer=MeanReducer() it is NT-Xent: the next row.",
                "pytorch-metric-learning-supcon",
            ),
        ),
    ),
    Entry(
        "pytorch-metric-learning-supcon-mean",
        PACKAGE,
        "SelfSupervisedLoss(SupConLoss(temperature, reducer=MeanReducer()))",
        of("supcon_loss", "SupConLoss", mean=True),
    ),
]
