"""Check what is brought, whatever it is: a layer, a function, a module, a function of JAX."""

import inspect
import sys
from typing import Any, Literal, get_args

import numpy as np

from reference_impl.check.bring import check, check_layer
from reference_impl.check.bring_jax import check_jax
from reference_impl.check.bring_torch import check_torch, import_torch
from reference_impl.check.report import Report
from reference_impl.check.trees import leaves, replaced

Style = Literal["function", "pure", "cached", "torch", "jax"]
STYLES: tuple[Style, ...] = get_args(Style)


def check_anything(brought: Any, *args: Any, style: Style | None = None, **options: Any) -> Report:
    """Check an object by `check`, `check_layer`, `check_torch` or `check_jax`.

    Parameters
    ----------
    brought
        What is to be checked.
    *args
        Its arguments; for PyTorch, arrays of NumPy's become tensors.
    style : {"function", "pure", "cached", "torch", "jax"}, optional
        Seen from the object and from the arrays that it is given, if it is not said.
    **options
        Those of the check.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        For options that the check does not take, and as the check.
    """
    style = style or style_of(brought, args)
    if style in ("pure", "cached"):
        options |= {"style": style}
    if style == "torch":
        args = tuple(map(_with_tensors, args))
    by = {"function": check, "torch": check_torch, "jax": check_jax}.get(style or "", check_layer)
    taken = list(inspect.signature(by).parameters)
    if foreign := [name for name in options if name not in taken]:
        raise TypeError(f"{foreign[0]}: {by.__name__} takes {', '.join(taken)}")
    if by is check_layer and len(args) != 1:
        raise TypeError(
            f"{type(brought).__name__}: expected one input z of a layer, given {len(args)}; "
            "a function of several arguments is checked by `check`"
        )
    return by(brought, *args, **options)


def style_of(brought: Any, args: tuple[Any, ...] = ()) -> Style | None:
    """Return how an object is to be checked; None is a layer, which shows its style itself.

    Nothing is imported for it: a module of PyTorch, or an array of JAX, has brought its library.
    """
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    given = [leaf for _, leaf in leaves("", args)]
    if torch is not None and (
        isinstance(brought, torch.nn.Module)
        or is_torch_function(brought)
        or any(isinstance(leaf, torch.Tensor) for leaf in given)
    ):
        return "torch"
    if jax is not None and (
        type(brought).__module__.split(".")[0] in ("jax", "jaxlib")
        or any(isinstance(leaf, jax.Array) for leaf in given)
    ):
        return "jax"
    return None if hasattr(brought, "pullback") or hasattr(brought, "forward") else "function"


def _with_tensors(arg: Any) -> Any:
    torch, found = import_torch(), leaves("", arg)
    arrays = {name: np.array(leaf) for name, leaf in found if isinstance(leaf, np.ndarray)}
    return replaced("", arg, {name: torch.from_numpy(array) for name, array in arrays.items()})


def is_torch_function(brought: Any) -> bool:
    """Whether an object is a subclass of torch.autograd.Function, which is used as it is."""
    torch = sys.modules.get("torch")
    return (
        torch is not None
        and isinstance(brought, type)
        and issubclass(brought, torch.autograd.Function)
    )


def assert_right(brought: Any, *args: Any, **options: Any) -> None:
    """Raise AssertionError with the report unless `check_anything` finds an object right."""
    __tracebackhide__ = True
    report = check_anything(brought, *args, **options)
    if not report.ok:
        name = getattr(brought, "__name__", type(brought).__name__)
        raise AssertionError(f"{name}: {report}")
