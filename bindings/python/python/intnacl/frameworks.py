"""How each framework makes arrays, calls a function and differentiates it."""

from __future__ import annotations

import contextlib
import inspect
import sys
from typing import Any, Callable, Iterator, Union

import numpy as np

from ._arrays import to_numpy

DTYPES = {
    "f64": ("f64", "float64", "double"),
    "f32": ("f32", "float32", "float"),
    "bf16": ("bf16", "bfloat16"),
    "f16": ("f16", "float16", "half"),
    # binary32, but for the products of embeddings: under autocast, and as tensor cores form them.
    "bf16-scores": ("bf16-scores",),
    "tf32": ("tf32",),
}
LONG_NAMES = {
    "f64": "float64", "f32": "float32", "bf16": "bfloat16", "f16": "float16", "bf16-scores": "float32", "tf32": "float32",
}


# A function of arrays and numbers, both by name.
CallOf = Callable[[dict[str, Any], dict[str, float]], Any]


class NoGradient(RuntimeError):
    """A value that cannot be differentiated."""


def dtype_name(dtype: Any) -> str:
    """The short name of a floating type, given by any of its names, or as a framework's own object."""
    word = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", None) or str(dtype)
    word = word.rsplit(".", 1)[-1]
    for short, names in DTYPES.items():
        if word in names:
            return short
    raise ValueError(f"dtype = {dtype!r}: expected one of {', '.join(DTYPES)}")


class Torch:
    """PyTorch, by `torch.autograd.grad`."""

    name = "torch"
    dtypes = ("f32", "f64", "bf16", "f16", "bf16-scores", "tf32")

    def __init__(self, device: str | None) -> None:
        import torch

        self.torch, self.device = torch, device or "cpu"

    @contextlib.contextmanager
    def small_work(self) -> Iterator[None]:
        """One thread for the time of a check: threads that wait for each other take ten times as long on small cases."""
        threads = self.torch.get_num_threads()
        self.torch.set_num_threads(1)
        try:
            yield
        finally:
            self.torch.set_num_threads(threads)

    def array(self, array: np.ndarray, dtype: str) -> Any:
        if array.dtype.kind in "iu":
            return self.torch.tensor(array, device=self.device)
        return self.torch.tensor(array, dtype=getattr(self.torch, LONG_NAMES[dtype]), device=self.device)

    def differentiate(
        self, call: CallOf, arrays: dict[str, np.ndarray], numbers: dict[str, float], dtype: str, key: str
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        inputs = {name: self.array(array, dtype) for name, array in arrays.items()}
        leaves = {name: tensor.requires_grad_() for name, tensor in inputs.items() if tensor.is_floating_point()}
        with self.torch.enable_grad():
            output = call(inputs, numbers)
            if not isinstance(output, self.torch.Tensor):
                raise NoGradient(f"the function gives a {type(output).__name__}: expected a tensor")
            if not output.requires_grad:
                raise NoGradient("the value does not depend on the embeddings, as far as autograd sees")
            gradients = self.torch.autograd.grad(output.mean(), list(leaves.values()), allow_unused=True)
        found = {
            name: np.zeros(arrays[name].shape) if gradient is None else _float64(gradient)
            for name, gradient in zip(leaves, gradients)
        }
        return _float64(output), found

    def code(self, name: str, array: np.ndarray, dtype: str) -> str:
        word = LONG_NAMES[dtype]
        return f"{name} = torch.tensor({numbers(array, dtype)}, dtype=torch.{word}, requires_grad=True)"

    imports = "import torch"

    def code_of_gradient(self, name: str) -> tuple[str, str]:
        return "loss.mean().backward()", f"{name}.grad"


class Jax:
    """JAX, by `jax.value_and_grad`."""

    name = "jax"
    dtypes = ("f32", "f64", "bf16", "f16", "bf16-scores", "tf32")

    def __init__(self, device: str | None) -> None:
        import jax
        import jax.experimental

        self.jax = jax
        self.device = jax.devices(device or "cpu")[0]
        self.compiled: dict[str, Any] = {}
        self.branches = False

    @contextlib.contextmanager
    def small_work(self) -> Iterator[None]:
        """JAX has no such setting."""
        yield

    def _wide(self) -> Any:
        """64-bit numbers for the time of a call: by default JAX has none."""
        if hasattr(self.jax, "enable_x64"):
            return self.jax.enable_x64(True)
        # Versions before it have the same under this name.
        return getattr(self.jax.experimental, "enable_x64")()

    def differentiate(
        self, call: CallOf, arrays: dict[str, np.ndarray], numbers: dict[str, float], dtype: str, key: str
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        numpy = self.jax.numpy
        with self._wide() if dtype == "f64" else contextlib.nullcontext(), self.jax.default_device(self.device):
            word = getattr(numpy, LONG_NAMES[dtype])
            inputs = {name: numpy.asarray(array, dtype=word) for name, array in arrays.items() if array.dtype.kind == "f"}
            others = {name: numpy.asarray(array) for name, array in arrays.items() if array.dtype.kind != "f"}
            (_, output), gradients = self._run(call, inputs, others, numbers, f"{dtype} {key}")
            return _float64(output), {name: _float64(gradient) for name, gradient in gradients.items()}

    def _run(self, call: CallOf, inputs: Any, others: Any, numbers: Any, key: str) -> Any:
        """Value and gradient: compiled as a whole, once a shape, unless the function branches on its numbers."""

        def mean(inputs: dict[str, Any], others: dict[str, Any], numbers: dict[str, Any]) -> tuple[Any, Any]:
            output = call({**inputs, **others}, numbers)
            return self.jax.numpy.mean(output), output

        plain = self.jax.value_and_grad(mean, has_aux=True)
        if not self.branches:
            if key not in self.compiled:
                self.compiled[key] = self.jax.jit(plain)
            try:
                return self.compiled[key](inputs, others, numbers)
            except self.jax.errors.JAXTypeError:
                self.branches = True
        return plain(inputs, others, numbers)

    def code(self, name: str, array: np.ndarray, dtype: str) -> str:
        return f"{name} = jnp.array({numbers(array, dtype)}, dtype=jnp.{LONG_NAMES[dtype]})"

    imports = "import jax, jax.numpy as jnp"

    def code_of_gradient(self, name: str) -> tuple[str, str]:
        return "", f"jax.grad(lambda {name}: CALL)({name})"


class Numpy:
    """NumPy: the function gives the value and the gradient itself."""

    name = "numpy"
    dtypes = ("f32", "f64", "f16")

    def __init__(self, device: str | None) -> None:
        if device not in (None, "cpu"):
            raise ValueError(f"device = {device!r}: expected cpu, the only one of NumPy")

    @contextlib.contextmanager
    def small_work(self) -> Iterator[None]:
        """NumPy has no such setting."""
        yield

    def differentiate(
        self, call: CallOf, arrays: dict[str, np.ndarray], numbers: dict[str, float], dtype: str, key: str
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        word = np.dtype(LONG_NAMES[dtype])
        inputs = {name: array.astype(word) if array.dtype.kind == "f" else array for name, array in arrays.items()}
        output = call(inputs, numbers)
        if not (isinstance(output, tuple) and len(output) == 2):
            raise NoGradient("the function gives no pair: expected (value, gradient)")
        return _float64(output[0]), output[1]

    def code(self, name: str, array: np.ndarray, dtype: str) -> str:
        return f"{name} = np.array({numbers(array, dtype)}, dtype=np.{LONG_NAMES[dtype]})"

    imports = "import numpy as np"

    def code_of_gradient(self, name: str) -> tuple[str, str]:
        return "", "loss[1]"


Framework = Union[Torch, Jax, Numpy]
FRAMEWORKS: dict[str, type] = {"torch": Torch, "jax": Jax, "numpy": Numpy}


def _float64(array: Any) -> np.ndarray:
    return np.asarray(to_numpy(array)).astype(np.float64)


def numbers(array: np.ndarray, dtype: str) -> str:
    """An array as Python writes it, with the fewest digits that read back as the same numbers of the type."""
    if array.dtype.kind != "f":
        return str(array.tolist())

    def short(x: float) -> str:
        text = repr(x) if dtype == "f64" else str(np.float32(x))
        return text.removesuffix(".0") if text.endswith(".0") and len(text) > 3 else text

    def write(part: Any) -> str:
        return f"[{', '.join(write(item) for item in part)}]" if isinstance(part, list) else short(part)

    return write(array.tolist())


def signature_of(fn: Callable[..., Any]) -> inspect.Signature:
    """What a function takes; for a module of PyTorch, its `forward`."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(fn, torch.nn.Module):
        return inspect.signature(fn.forward)
    return inspect.signature(fn)


def framework_of(fn: Callable[..., Any], name: str | None, device: str | None) -> Framework:
    """The framework of a name; without one, that of the modules that the function's own module has imported."""
    if name is not None:
        if name not in FRAMEWORKS:
            raise ValueError(f"framework = {name!r}: expected torch, jax or numpy")
        return FRAMEWORKS[name](device)
    fn = getattr(fn, "__inner__", fn)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(fn, torch.nn.Module):
        return Torch(device)
    for things in _reach(fn):
        roots = {_root(thing) for thing in things}
        for candidate in ("torch", "jax"):
            if candidate in roots:
                return FRAMEWORKS[candidate](device)
    return Numpy(device)


def _reach(fn: Callable[..., Any]) -> Iterator[list[Any]]:
    """What a function uses, then what its module has, then what the modules have that it uses."""
    inner = inspect.unwrap(fn)
    inner = getattr(inner, "func", inner)
    if not hasattr(inner, "__globals__"):
        inner = getattr(type(inner), "__call__", inner)
    home = getattr(inner, "__globals__", {})
    code = getattr(inner, "__code__", None)
    used = [home[word] for word in _names(code) if word in home] if code is not None else []
    used += [cell.cell_contents for cell in getattr(inner, "__closure__", None) or () if _filled(cell)]
    yield used
    yield list(home.values())
    modules = [thing if inspect.ismodule(thing) else sys.modules.get(getattr(thing, "__module__", None) or "") for thing in used]
    yield [thing for module in modules if module is not None for thing in vars(module).values() if inspect.ismodule(thing)]


def _names(code: Any) -> list[str]:
    inner = [constant for constant in code.co_consts if inspect.iscode(constant)]
    return [*code.co_names, *(word for part in inner for word in _names(part))]


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents
    except ValueError:
        return False
    return True


def _root(thing: Any) -> str:
    name = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", None) or type(thing).__module__
    return str(name).split(".", 1)[0]
