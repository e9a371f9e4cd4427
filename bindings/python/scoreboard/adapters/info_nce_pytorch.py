"""info-nce-pytorch: each query has its own negatives, as the tuples of the judge."""

from entry import Entry, Finding, Package

PACKAGE = Package("info-nce-pytorch", "0.1.4", "https://github.com/RElbers/info-nce-pytorch")


def paired():
    import info_nce as package

    def info_nce(anchor, positives, negatives, temperature):
        return package.info_nce(
            anchor, positives[:, 0], negatives, temperature=temperature, negative_mode="paired", reduction="none"
        )

    return info_nce


ENTRIES = [
    Entry("info-nce-pytorch", PACKAGE, "info_nce.info_nce(negative_mode='paired')", paired),
    Entry(
        "info-nce-pytorch-in-batch",
        PACKAGE,
        "info_nce.info_nce(query, positive)",
        None,
        findings=(
            Finding(
                "not judged",
                "Without negatives of its own, a query has the other positives as negatives, N = B - 1: another set than the judge's.",
            ),
        ),
    ),
]
