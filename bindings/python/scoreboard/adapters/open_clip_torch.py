"""open_clip_torch."""

from entry import Entry, Finding, Package

PACKAGE = Package("open_clip_torch", "3.3.0", "https://github.com/mlfoundations/open_clip")

ENTRIES = [
    Entry(
        "open-clip-clip",
        PACKAGE,
        "open_clip.ClipLoss",
        None,
        findings=(
            Finding(
                "not judged",
                "An image has the texts of the other images as negatives, N = B - 1, and the temperature is an input: another set than the judge's.",
            ),
        ),
    ),
]
