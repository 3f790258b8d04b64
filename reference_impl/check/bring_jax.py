"""What JAX differentiates, as a problem: functions, those with a `custom_vjp` or `custom_jvp` too.

Everything is checked in float64, whatever ``jax_enable_x64`` says, since differences in float32
show no more than three digits; what does not run in float64 is checked as it is.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check.examine import examine
from reference_impl.check.problem import Problem, Values
from reference_impl.check.report import Report
from reference_impl.check.script import program
from reference_impl.check.trees import argument_names

Arrays = dict[str, Any]
# A function may refuse to be compiled, to run in float64, or to be differentiated forward or twice.
REFUSALS = (NotImplementedError, RuntimeError, TypeError, ValueError)


def check_jax(f: Callable[..., Any], *args: Any, seed: int = 0, budget: float = 10.0) -> Report:
    """Check what JAX makes of a function: its vjp, its jvp if it has one, and the vjp of the vjp.

    Parameters
    ----------
    f : callable
        Of arrays and trees of arrays to an array or a tree of arrays.
    *args
        Its arguments. Arrays of floating-point numbers in them are checked, without any the
        Python floats; all else is constant, and so are the ``nondiff_argnums`` of a `custom_vjp`.
    seed : int
        For the random choices.
    budget : float
        In seconds of processor time; what JAX compiles comes on top.

    Returns
    -------
    Report

    Raises
    ------
    ImportError
        Without JAX.
    TypeError
        For arguments without floating-point numbers, and for complex ones.
    """
    try:
        import jax
    except ImportError:
        raise ImportError("this needs JAX: pip install jax") from None
    passes = _brought(jax, f, args)
    script = program("check_jax", (f, *args), {"seed": seed})
    began = time.process_time()
    first = examine(_problem(passes, script), seed=seed, budget=0.75 * budget)
    left = max(0.25 * budget, budget - (time.process_time() - began))
    if first.verdict != "right":
        return first
    twice = _twice(passes, seed)
    if isinstance(twice, str):
        return replace(first, notes=(*first.notes, f"no second derivative: {twice}"))
    second = examine(twice, seed=seed, budget=left)
    not_told = second.verdict == "cannot tell"
    further = (f"the vjp of the vjp was not told: {second.notes[0]}",) if not_told else ()
    return replace(
        first,
        notes=(*first.notes, *further),
        verdict="wrong" if second.findings else "right",
        findings=second.findings,
        compared=first.compared + second.compared,
        tolerance=max(first.tolerance, second.tolerance),
    )


@dataclass(frozen=True, eq=False)
class Passes:
    """The passes of what was brought, from and to arrays by name."""

    jax: Any
    name: str
    call: Callable[[Arrays], Any]  # named arrays -> one array
    given: Arrays  # what is checked, as it was given
    double: bool = True  # whether in float64
    compiled: bool = False

    def precision(self) -> AbstractContextManager[Any]:
        """Return the context in which all is computed."""
        return self.jax.enable_x64(True) if self.double else nullcontext()

    def values(self) -> Values:
        """Return where to check."""
        return {name: np.asarray(array, dtype=np.float64) for name, array in self.given.items()}

    def arrays(self, values: Values) -> Arrays:
        """Return values as arrays of the type checked."""
        jnp = self.jax.numpy
        return {
            name: jnp.asarray(values[name], dtype=np.float64 if self.double else array.dtype)
            for name, array in self.given.items()
        }

    def forward(self, values: Values) -> Array:
        """Return the output; of a tree, the vector of all its numbers."""
        with self.precision():
            return _array(self.pass_forward(self.arrays(values)))

    def vjp(self, values: Values, delta: Array) -> Values:
        """Return delta taken back."""
        with self.precision():
            found = self.pass_back(self.arrays(values), self.jax.numpy.asarray(delta))
        return {name: _array(gradient) for name, gradient in found.items()}

    def jvp(self, values: Values, tangents: Values) -> Array:
        """Return the derivative of the output along tangents."""
        with self.precision():
            return _array(self.pass_along(self.arrays(values), self.arrays(tangents)))

    def pulled(self, arrays: Arrays, delta: Any) -> Arrays:
        """Return what JAX takes delta back to."""
        output, back = self.jax.vjp(self.call, arrays)
        return dict(back(delta.astype(output.dtype))[0])

    @cached_property
    def pass_forward(self) -> Callable[[Arrays], Any]:
        """The forward pass."""
        return self.jax.jit(self.call) if self.compiled else self.call

    @cached_property
    def pass_back(self) -> Callable[[Arrays, Any], Arrays]:
        """The backward pass."""
        return self.jax.jit(self.pulled) if self.compiled else self.pulled

    @cached_property
    def pass_along(self) -> Callable[[Arrays, Arrays], Any]:
        """The forward mode."""

        def along(at: Arrays, tangents: Arrays) -> Any:
            return self.jax.jvp(self.call, (at,), (tangents,))[1]

        return self.jax.jit(along) if self.compiled else along


def _brought(jax: Any, f: Callable[..., Any], arguments: tuple[Any, ...]) -> Passes:
    name = getattr(f, "__name__", type(f).__name__)
    labels = argument_names(f, len(arguments))
    paths, tree = jax.tree_util.tree_flatten_with_path(arguments)
    skipped = set(getattr(f, "nondiff_argnums", ()))
    parts: Arrays = {}
    constants: set[str] = set()
    for (first, *path), leaf in paths:
        label = labels[first.idx] + jax.tree_util.keystr(tuple(path))
        parts[label] = leaf
        if first.idx in skipped:
            constants.add(label)
    given = {label: leaf for label, leaf in parts.items() if label not in constants}
    for label, leaf in given.items():
        if np.iscomplexobj(leaf):
            raise TypeError(f"{name}: expected real numbers, given complex ones for {label}")
    arrays = {n: leaf for n, leaf in given.items() if _is_float(jax, leaf, jax.Array, np.ndarray)}
    arrays = arrays or {n: leaf for n, leaf in given.items() if _is_float(jax, leaf, float)}
    if not arrays:
        kinds = ", ".join(type(argument).__name__ for argument in arguments) or "nothing"
        raise TypeError(f"{name}: expected an array of floating-point numbers, given {kinds}")

    def call(every: Arrays) -> Any:
        leaves = [every.get(label, leaf) for label, leaf in parts.items()]
        output = f(*jax.tree_util.tree_unflatten(tree, leaves))
        found = [jax.numpy.asarray(part) for part in jax.tree_util.tree_leaves(output)]
        if any(jax.numpy.iscomplexobj(part) for part in found):
            raise TypeError(f"{name}: expected real numbers, given complex ones for the output")
        floats = [part for part in found if jax.numpy.issubdtype(part.dtype, jax.numpy.floating)]
        if len(floats) == 1:
            return floats[0]
        flat = [part.ravel() for part in floats]
        return jax.numpy.concatenate(flat) if flat else jax.numpy.zeros(0)

    passes = Passes(jax, name, call, {label: np.asarray(leaf) for label, leaf in arrays.items()})
    if not _runs_in_double(passes):
        given = {label: jax.numpy.asarray(leaf) for label, leaf in arrays.items()}
        passes = replace(passes, given=given, double=False)
    return _compiled(passes)


def _is_float(jax: Any, leaf: Any, *kinds: type) -> bool:
    return isinstance(leaf, kinds) and jax.numpy.issubdtype(
        jax.numpy.result_type(leaf), jax.numpy.floating
    )


def _runs_in_double(passes: Passes) -> bool:
    """Whether float64 is let through; what was given in float64, and kept so, has no other type."""
    given = {str(array.dtype) for array in passes.given.values()}
    if given == {"float64"} and passes.jax.config.jax_enable_x64:
        return True
    try:
        return passes.forward(passes.values()).dtype == np.float64
    except REFUSALS:
        return False


def _compiled(passes: Passes) -> Passes:
    """Return the same passes, compiled, if that gives the same numbers: what is random does not."""
    compiled = replace(passes, compiled=True)
    values = passes.values()
    expected = passes.forward(values)
    try:
        found = compiled.forward(values)
    except REFUSALS:  # it branches on numbers
        return passes
    digits = np.finfo(expected.dtype).eps ** 0.5
    far = np.abs(found - expected) > digits * np.abs(expected).max(initial=0.0)
    return passes if far.any() else compiled


def _problem(passes: Passes, script: str) -> Problem:
    values = passes.values()
    try:
        passes.jvp(values, values)
        jvp = passes.jvp
    except TypeError:  # a custom_vjp has none
        jvp = None
    types = sorted({str(array.dtype) for array in passes.given.values()} - {"float64"})
    notes: tuple[str, ...] = ()
    if types and passes.double:
        notes = (f"given in {', '.join(types)}, checked as copies in float64",)
    elif types:
        notes = (f"it does not run in float64: checked in {', '.join(types)}",)
    rules = {name: f"vjp ({name})" for name in values}
    return Problem(
        name=passes.name,
        values=values,
        forward=passes.forward,
        vjp=passes.vjp,
        jvp=jvp,
        rules=rules,
        script=script,
        notes=notes,
    )


def _twice(passes: Passes, seed: int) -> Problem | str:
    """Return the vjp as a function of its own, of the values and of delta; or why it is none."""
    values = passes.values()
    output = passes.forward(values)
    delta = np.random.default_rng(seed).standard_normal(output.shape).astype(output.dtype)
    name = "delta" if "delta" not in values else "the cotangent"

    def call(every: Arrays) -> Any:
        inner = {n: every[n] for n in values}
        return passes.jax.numpy.concatenate(
            [gradient.ravel() for gradient in passes.pulled(inner, every[name]).values()]
        )

    twice = replace(passes, call=call, given={**passes.given, name: delta})
    at = twice.values()
    try:
        twice.vjp(at, np.ones(sum(value.size for value in values.values())))
    except REFUSALS as problem:
        return str(problem).partition("\n")[0]
    twice = _compiled(twice)
    rules = {n: f"vjp of the vjp ({n})" for n in at}
    return Problem(passes.name, at, twice.forward, vjp=twice.vjp, rules=rules)


def _array(array: Any) -> Any:
    """Return an array of NumPy's, in float32 if it has no such type."""
    return np.asarray(array, dtype=array.dtype if array.dtype.itemsize >= 4 else np.float32)
