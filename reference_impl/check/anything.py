"""Check what is brought, whatever it is: a layer, a function, a module, a function of JAX."""

import inspect
import sys
from typing import Any, Literal, get_args

from reference_impl.check.report import Report
from reference_impl.check.trees import leaves

Style = Literal["function", "pure", "cached", "torch", "jax"]
STYLES: tuple[Style, ...] = get_args(Style)


def check_anything(
    brought: Any,
    *args: Any,
    style: Style | None = None,
    seed: int = 0,
    budget: float = 10.0,
    **claims: Any,
) -> Report:
    """Check an object by `check`, `check_layer`, `check_torch` or `check_jax`, as its style asks.

    Parameters
    ----------
    brought
        What is to be checked.
    *args
        Its arguments.
    style : {"function", "pure", "cached", "torch", "jax"}, optional
        Found by `style_of` if it is not given.
    seed : int
        For the random choices.
    budget : float
        In seconds.
    **claims
        For `check` and `check_layer`: what the derivatives of a function are said to be.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        As the check that is asked for.
    """
    style = style or style_of(brought, args)
    if style == "torch":
        from reference_impl.check.bring_torch import check_torch

        return check_torch(brought, *args, seed=seed, budget=budget, **claims)
    if style == "jax":
        from reference_impl.check.bring_jax import check_jax

        return check_jax(brought, *args, seed=seed, budget=budget, **claims)
    from reference_impl.check.bring import check, check_layer

    if style == "function":
        return check(brought, *args, seed=seed, budget=budget, **claims)
    return check_layer(brought, *args, style=style, seed=seed, budget=budget, **claims)


def style_of(brought: Any, args: tuple[Any, ...] = ()) -> Style:
    """Return how an object is to be checked, by what it is and by the arrays that it is given.

    Nothing is imported for it: a module of PyTorch, or an array of JAX, has brought its library.
    A layer is "cached" if its backward takes nothing but delta.
    """
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    given = [leaf for _, leaf in leaves("", args)]
    if torch is not None and (
        isinstance(brought, torch.nn.Module)
        or (isinstance(brought, type) and issubclass(brought, torch.autograd.Function))
        or any(isinstance(leaf, torch.Tensor) for leaf in given)
    ):
        return "torch"
    if jax is not None and (
        type(brought).__module__.split(".")[0] in ("jax", "jaxlib")
        or any(isinstance(leaf, jax.Array) for leaf in given)
    ):
        return "jax"
    if not (hasattr(brought, "forward") and hasattr(brought, "backward")):
        return "function"
    try:
        taken = inspect.signature(brought.backward).parameters.values()
    except (TypeError, ValueError):
        return "pure"
    needed = [
        p for p in taken if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    return "cached" if len(needed) == 1 else "pure"


def assert_right(brought: Any, *args: Any, **options: Any) -> None:
    """Raise AssertionError with the report unless `check_anything` finds an object right."""
    __tracebackhide__ = True
    report = check_anything(brought, *args, **options)
    if not report.ok:
        name = getattr(brought, "__name__", type(brought).__name__)
        raise AssertionError(f"{name}: {report}")
