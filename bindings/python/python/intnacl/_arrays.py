"""Arrays of any framework as arrays of NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

# How many axes each array of a request has.
AXES = {
    "views": 3,
    "anchor": 2,
    "positives": 3,
    "negatives": 3,
    "debias_positives": 3,
    "mixed": 3,
    "mixed_negatives": 4,
    "adversarial": 2,
    "adversarial_negatives": 3,
    "transform": 2,
    "points": 2,
}


def to_numpy(array: Any) -> np.ndarray:
    """An array of NumPy with the numbers of `array`: by DLPack, by `__array__`, or from nested lists."""
    if isinstance(array, np.ndarray):
        return array
    # A tensor of PyTorch may take part in a gradient, lie on a GPU, or have a type that NumPy lacks.
    if hasattr(array, "detach") and hasattr(array, "cpu"):
        array = array.detach().cpu()
        if "bfloat16" in str(array.dtype):
            array = array.float()
        return array.numpy()
    if hasattr(array, "__array__"):
        return np.asarray(array)
    if hasattr(array, "__dlpack__"):
        device = array.__dlpack_device__()[0]
        # 1 and 3: memory of the CPU, and memory that it shares.
        return np.from_dlpack(array) if device in (1, 3) else np.from_dlpack(array, device="cpu")
    return np.asarray(array)


def _stacked(array: Any, name: str, depth: int) -> np.ndarray:
    if isinstance(array, (list, tuple)) and depth > 1:
        parts = [_stacked(part, f"{name}[{index}]", depth - 1) for index, part in enumerate(array)]
        if not parts:
            raise ValueError(f"{name} is empty: expected an array of {depth} axes")
        for index, part in enumerate(parts):
            if part.shape != parts[0].shape:
                shape, first = list(part.shape), list(parts[0].shape)
                raise ValueError(f"{name}[{index}] has shape {shape}: expected {first}")
        return np.stack(parts)
    try:
        found = to_numpy(array)
        if found.dtype.kind not in "fiub" and "float" not in str(found.dtype):
            raise TypeError(f"dtype {found.dtype}")
        found = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array of numbers ({error}): expected {depth} axes of floats") from None
    if found.ndim != depth:
        raise ValueError(f"{name} has shape {list(found.shape)}: expected {depth} axes")
    return found


def floats(array: Any, name: str) -> np.ndarray:
    """The array of a request: float64, row by row, with the axes that its name asks for."""
    return np.ascontiguousarray(_stacked(array, name, AXES[name]))


def integers(array: Any, name: str) -> np.ndarray:
    """Labels."""
    found = to_numpy(array)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ValueError(f"{name} has shape {list(found.shape)} and dtype {found.dtype}: expected one axis of integers")
    return np.ascontiguousarray(found, dtype=np.int64)
