"""Exact contrastive losses and their gradients, and a judge of losses that are written in PyTorch, JAX or NumPy.

>>> import numpy as np, intnacl
>>> views = np.random.default_rng(1).normal(size=(2, 8, 16))
>>> intnacl.simclr(views, temperature=0.5).gradient.views.shape
(2, 8, 16)
"""

from .checking import CheckFailed, check, judge
from .exact import (
    Explanation,
    Gradient,
    Result,
    adversarial,
    debiased,
    evaluate,
    explain,
    hard_negative,
    int_cl,
    int_nacl,
    mix_nca,
    nca,
    robust,
    simclr,
    supervised_nca,
)
from .testing import laws
from .training import BatchFailed, Watch
from .verdict import Verdict

__all__ = [
    "BatchFailed",
    "CheckFailed",
    "Explanation",
    "Gradient",
    "Result",
    "Verdict",
    "Watch",
    "adversarial",
    "check",
    "debiased",
    "evaluate",
    "explain",
    "hard_negative",
    "int_cl",
    "int_nacl",
    "judge",
    "laws",
    "mix_nca",
    "nca",
    "robust",
    "simclr",
    "supervised_nca",
]
