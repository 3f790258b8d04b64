"""Bring what is to be checked: a function with its derivatives, a layer, a gradient."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_impl.arguments import Array
from reference_impl.check import layers
from reference_impl.check.constants import constants
from reference_impl.check.examine import examine
from reference_impl.check.problem import Problem, Values, asked
from reference_impl.check.report import Report
from reference_impl.check.script import program
from reference_impl.check.spec import against
from reference_impl.check.trees import argument_names, leaves, replaced

Function = Callable[..., Any]


def check(
    f: Function,
    *args: Any,
    vjp: Function | None = None,
    jvp: Function | None = None,
    grad: Function | None = None,
    jacobian: Function | None = None,
    hessian: Function | None = None,
    hvp: Function | None = None,
    wrt: str | int | Iterable[str | int] | None = None,
    spec: Any = None,
    seed: int = 0,
    seeds: int = 3,
    budget: float = 10.0,
) -> Report:
    r"""Check what is claimed to be derivatives of f(\*args).

    Parameters
    ----------
    f : callable
        Of any arguments: arrays of any rank, numbers, and tuples, lists and dictionaries of them;
        so is what it returns. A list of numbers is an array. Integers are constants, unless `wrt`
        names them or nothing else is a number; other objects are constants.
    \*args
        Where to check.
    vjp : callable, optional
        (\*args, delta) -> sum_u delta_u df_u/dx for each argument x; delta is like the output.
        For one argument its array; for several a tuple, or a dictionary by their names.
    jvp : callable, optional
        (\*args, \*tangents) -> the change of the output, a tangent for each argument that is no
        constant.
    grad : callable, optional
        (\*args) -> df/dx, where f is one number; given like the answer of vjp.
    jacobian, hessian : callable, optional
        (\*args) -> arrays of shape output x argument, and argument x argument.
    hvp : callable, optional
        (\*args, \*tangents) -> Hessian times tangents, given like the answer of vjp.
    wrt : name or position, or several, optional
        The arguments that are checked; all others are constants.
    spec : path or dict, optional
        What ``derive --format json`` prints for f: the claims are compared with the derived formula
        too, to rounding error, and a term of it that is wrong is named. Its code is run.
    seed, seeds : int
        For the random choices, and how often they are drawn.
    budget : float
        In seconds of processor time.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        For no claim, for arguments without a real number or not finite, and for an answer that
        does not fit to the arguments. What the functions raise is passed on.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.check import check
    >>> a, b = np.array([1.0, -2.0]), np.array([3.0, 5.0])
    >>> check(np.dot, a, b, vjp=lambda a, b, delta: (delta * b, delta * a)).verdict
    'right'
    >>> check(np.dot, a, b, vjp=lambda a, b, delta: (delta * b, delta * b)).verdict
    'wrong'
    """
    claims = {
        "vjp": vjp, "jvp": jvp, "grad": grad, "jacobian": jacobian, "hessian": hessian, "hvp": hvp,
    }  # fmt: skip
    if spec is None and all(claim is None for claim in claims.values()):
        raise ValueError(f"check: expected a claim, one of {', '.join(claims)}; given none")
    for name, function in {"f": f, **claims}.items():
        if function is not None and not callable(function):
            raise TypeError(f"{name}: expected a function, given {type(function).__name__}")
    options = {**claims, "wrt": wrt, "spec": spec, "seed": seed, "seeds": seeds}
    call = Call(f, tuple(map(_as_array, args)), wrt)
    problem = call.problem(claims, program("check", (f, *args), options))
    report = examine(problem, seed=seed, seeds=seeds, budget=budget)
    if spec is None:
        return report
    return against(report, spec, problem, dict(zip(call.names, call.args, strict=True)))


def check_layer(
    layer: Any,
    z: ArrayLike,
    seed: int = 0,
    *,
    params: Iterable[str] | None = None,
    style: Literal["pure", "cached"] | None = None,
    budget: float = 10.0,
) -> Report:
    """Check the three rules of a layer at z; its Jacobian and second order if it has them.

    Parameters
    ----------
    layer : object
        With ``forward(z)``, and either ``backward(z, delta)`` and, if it has parameters,
        ``parameter_gradient(z, delta)``; or ``pullback(z)``; or, with a cache,
        ``backward(delta)``, whose gradients are returned or put into attributes such as ``dW``.
    z : array_like
        The input, of any shape. A small one shows most: N >= 3 data points, N unequal to the
        width, mixed signs. Integers are constants where the layer has no gradient by z.
    seed : int
        For delta and the other random choices.
    params : names, optional
        The parameters: "W", or "0.W" of the first of ``layers``. By default those that the layer
        has gradients of; another array that changes the output is then taken for forgotten,
        unless it has a row for each data point.
    style : {"pure", "cached"}, optional
        Whether backward takes z, or remembers it. By default it is seen.
    budget : float
        In seconds of processor time.

    Returns
    -------
    Report
        ``print(report)`` says which rule is wrong, at which entry, and the likely cause.

    Raises
    ------
    TypeError, ValueError
        For what is no layer, z that is not finite, and unknown parameters. What the layer raises
        is passed on.

    Examples
    --------
    >>> from reference_impl.activations import Tanh
    >>> from reference_impl.check import check_layer
    >>> check_layer(Tanh(), [[0.5, -1.0], [2.0, 0.25], [1.0, 3.0]]).verdict
    'right'
    """
    z, own = _numbers("z", z), _style(layer)
    style = style or own
    if style not in ("pure", "cached"):
        raise ValueError(f"style: expected 'pure' or 'cached', given {style!r}")
    names = None if params is None else (params,) if isinstance(params, str) else tuple(params)
    options = {"seed": seed, "params": names, "style": style}
    text = program("check_layer", (layer, z), options)
    problem = layers.problem_of(layer, z, names, style == "cached", text)
    return examine(problem, seed=seed, budget=budget)


def assert_layer(layer: Any, z: ArrayLike, seed: int = 0, **options: Any) -> None:
    """Raise AssertionError with the report unless `check_layer` says "right".

    Examples
    --------
    >>> from reference_impl.activations import Tanh
    >>> from reference_impl.check import assert_layer
    >>> assert_layer(Tanh(), [[0.5, -1.0], [2.0, 0.25], [1.0, 3.0]])
    """
    __tracebackhide__ = True
    report = check_layer(layer, z, seed, **options)
    if not report.ok:
        raise AssertionError(f"{type(layer).__name__}: {report}")


def check_gradient(
    f: Function, gradient: Function, x: ArrayLike, seed: int = 0, *, budget: float = 10.0
) -> Report:
    """Check the gradient of a function f from an array x of any shape to one number.

    Parameters
    ----------
    f, gradient : callable
        x -> number, and x -> array of the shape of x.
    x : array_like
        Where to check.
    seed : int
        For the random choices.
    budget : float
        In seconds of processor time.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        For x that is not finite. What f and its gradient raise is passed on.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.check import check_gradient
    >>> x = np.array([1.0, 2.0])
    >>> check_gradient(lambda x: x @ x, lambda x: 2 * x, x).verdict
    'right'
    >>> check_gradient(lambda x: x @ x, lambda x: -2 * x, x).findings[0].cause.name
    'sign'
    """
    x = _numbers("x", x).astype(np.float64)
    return check(f, x, grad=gradient, seed=seed, budget=budget)


@dataclass(frozen=True, eq=False)
class Call:
    """A function at its arguments, and the names of these."""

    f: Function
    args: tuple[Any, ...]
    wrt: str | int | Iterable[str | int] | None

    @cached_property
    def names(self) -> list[str]:
        """The names of the arguments."""
        return argument_names(self.f, len(self.args))

    @cached_property
    def given(self) -> dict[str, Any]:
        """The numbers and arrays that are checked, in the types they are checked in, by name."""
        wanted, found = self._wanted(), dict[str, Any]()
        for group in [wanted] if self.wrt is None else [[name] for name in wanted]:
            every = {leaf: x for name in group for leaf, x in self._leaves(name) if np.size(x)}
            found |= {leaf: x for leaf, x in every.items() if _kind(x) == "f"} or {
                leaf: np.asarray(x, dtype=np.float64) if hasattr(x, "dtype") else float(x)
                for leaf, x in every.items()
                if _kind(x) in "iu"
            }
            for leaf, x in every.items():
                if _kind(x) == "c":
                    raise TypeError(f"{leaf}: expected real numbers, given complex ones")
                if leaf in found and not np.isfinite(x).all():
                    raise ValueError(f"{leaf}: expected finite numbers, given nan or inf")
        if not found:
            kinds = ", ".join(type(x).__name__ for x in self.args) or "none"
            raise TypeError(f"args: expected real numbers to differentiate by, given {kinds}")
        return found

    @cached_property
    def integers(self) -> list[str]:
        """The integers that nobody has said are constants."""
        every = [pair for name in self.names for pair in self._leaves(name)]
        whole = [leaf for leaf, x in every if _kind(x) in "iu" and leaf not in self.given]
        return whole if self.wrt is None else []

    @cached_property
    def moving(self) -> list[str]:
        """The arguments that are no constants."""
        return [
            name
            for name, x in zip(self.names, self.args, strict=True)
            if any(leaf in self.given for leaf, _ in leaves(name, x))
        ]

    @cached_property
    def output(self) -> Any:
        """The output as it is returned."""
        return self.value({})

    def value(self, values: Values) -> Any:
        """Return the output elsewhere."""
        return asked(f"f({', '.join(self.names)})", self.f, *self.at(values))

    def _leaves(self, name: str) -> Iterator[tuple[str, Any]]:
        return leaves(name, self.args[self.names.index(name)])

    def _wanted(self) -> list[str]:
        if self.wrt is None:
            return self.names
        asked = [self.wrt] if isinstance(self.wrt, str | int) else list(self.wrt)
        for one in asked:
            if one not in self.names and one not in range(len(self.names)):
                raise ValueError(f"wrt: expected among {', '.join(self.names)}, given {one!r}")
        return [one if isinstance(one, str) else self.names[one] for one in asked]

    def at(self, values: Values) -> tuple[Any, ...]:
        """Return the arguments with other values, each of the type that was given."""
        new = {name: _alike(self.given[name], x) for name, x in values.items()}
        return tuple(replaced(n, x, new) for n, x in zip(self.names, self.args, strict=True))

    def tangents(self, values: Values) -> list[Any]:
        """Return tangents for the arguments that are no constants."""
        at = dict(zip(self.names, self.at(values), strict=True))
        return [at[name] for name in self.moving]

    def named(self, rule: str, answer: Any) -> dict[str, Any]:
        """Take an answer apart: what it says for each name."""
        trees = self._by_argument(rule, answer)
        found = {leaf: x for name, tree in trees.items() for leaf, x in leaves(name, tree)}
        for leaf in self.integers:
            if _kind(found.get(leaf)) in "fiu" and np.any(found[leaf]):
                raise TypeError(
                    f"{rule}: expected None for {leaf}, whose integers are constants, given a "
                    "derivative; to have it checked, give floats, else name the arguments: wrt="
                )
        return {name: found.get(name) for name in self.given}

    def _by_argument(self, rule: str, answer: Any) -> dict[str, Any]:
        if isinstance(answer, Mapping) and answer and set(answer) <= set(self.names):
            return dict(answer)
        if len(self.moving) == 1:
            own = self.args[self.names.index(self.moving[0])]
            alone = isinstance(answer, tuple) and len(answer) == 1 and not isinstance(own, tuple)
            if not (isinstance(answer, tuple) and len(answer) == len(self.args) > 1):
                return {self.moving[0]: answer[0] if alone else answer}
        if isinstance(answer, tuple | list):
            for names in (self.moving, self.names):
                if len(answer) == len(names):
                    return dict(zip(names, answer, strict=True))
        size = f" of {len(answer)}" if isinstance(answer, tuple | list) else ""
        raise ValueError(
            f"{rule}: expected a tuple of {len(self.moving)} ({', '.join(self.moving)}), "
            f"given {type(answer).__name__}{size}; by fewer: wrt="
        )

    def problem(self, claims: Mapping[str, Function | None], script: str) -> Problem:
        """Return the claims as a problem."""
        values = {name: np.array(x, dtype=np.float64) for name, x in self.given.items()}

        def of(rule: str, *, tangents: bool = False) -> Function | None:
            claim = claims[rule]
            if claim is None:
                return None
            return lambda values, v=None: self.named(
                rule, ask(rule, values, *(self.tangents(v) if tangents else ()))
            )

        def ask(rule: str, values: Values, *more: Any) -> Any:
            further = ["delta"] if rule == "vjp" else [f"d{name}" for name in self.moving]
            signature = f"{rule}({', '.join([*self.names, *further[: len(more)]])})"
            return asked(signature, claims[rule] or self.f, *self.at(values), *more)

        pull, push = claims["vjp"], claims["jvp"]
        if claims["grad"] is not None and np.size(_flat(self.output)) != 1:
            shape = np.shape(_flat(self.output))
            raise ValueError(f"grad: expected f to return one number, given shape {shape}")
        return Problem(
            getattr(self.f, "__name__", type(self.f).__name__),
            values,
            lambda values: _flat(self.value(values)),
            gradient=of("grad"),
            vjp=pull and (lambda v, d: self.named("vjp", ask("vjp", v, _like(self.output, d)))),
            jvp=push and (lambda v, t: _flat(ask("jvp", v, *self.tangents(t)))),
            jacobian=of("jacobian"),
            hessian=of("hessian"),
            hvp=of("hvp", tangents=True),
            rules={name: self._rule(name, claims) for name in values},
            known=self._constants(),
            script=script,
        )

    def _constants(self) -> Values:
        """Return the numbers that are not differentiated by, and those in the code of f."""
        pairs = zip(self.names, self.args, strict=True)
        every = {leaf: np.asarray(x) for name, arg in pairs for leaf, x in leaves(name, arg)}
        given = {n: x.astype(np.float64) for n, x in every.items() if x.dtype.kind in "fiub"}
        return {n: x for n, x in {**constants(self.f), **given}.items() if n not in self.given}

    def _rule(self, name: str, claims: Mapping[str, Function | None]) -> str:
        return f"{'gradient' if claims['grad'] else 'vjp'} by {name}"


def _parts(output: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the outputs that are no constants, by name."""
    found = [(name, np.asarray(part)) for name, part in leaves("", output)]
    yield from (pair for pair in found if len(found) == 1 or pair[1].dtype.kind == "f")


def _flat(output: Any) -> Any:
    """Return an output: an array as it is, others as the vector of their numbers."""
    parts = [part for _, part in _parts(output)]
    return parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])


def _like(output: Any, delta: Array) -> Any:
    """Return delta in the form of the output; 0 for what is a constant."""
    new, start = {name: np.zeros(np.shape(part)) for name, part in leaves("", output)}, 0
    for name, part in _parts(output):
        new[name] = delta.ravel()[start : start + part.size].reshape(part.shape).astype(part.dtype)
        start += part.size
    return replaced("", output, new)


def _alike(given: Any, value: Array) -> Any:
    if isinstance(given, np.ndarray | np.generic):
        return np.asarray(value, dtype=given.dtype)
    return float(value)


def _as_array(x: Any) -> Any:
    """Return a list of numbers as an array; everything else as it is."""
    numbers = isinstance(x, list) and x and all(isinstance(part, int | float | list) for part in x)
    if not numbers:
        return x
    try:
        array = np.asarray(x)
    except (TypeError, ValueError):
        return x
    return array


def _kind(x: Any) -> str:
    """Return the kind of an object as an array: "f" for real numbers, "i" or "u" for integers."""
    return np.asarray(x).dtype.kind


def _numbers(name: str, x: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name}: expected an array, given rows that differ in length") from None
    if array.dtype.kind not in "fiub":
        given = {"U": "text", "S": "text", "O": "objects"}.get(array.dtype.kind, array.dtype)
        raise TypeError(f"{name}: expected an array of numbers, given {given}")
    if not array.size:
        raise ValueError(f"{name}: expected at least one number, given shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite numbers, given nan or inf")
    return array


def _style(layer: Any) -> Literal["pure", "cached"]:
    """Return whether backward takes nothing but delta."""
    if isinstance(layer, type):
        raise TypeError(f"layer: expected an object, given the class {layer.__name__}: make one")
    missing = [name for name in ("forward", "backward") if not hasattr(layer, name)]
    if missing and not hasattr(layer, "pullback"):
        raise TypeError(
            "layer: expected forward and backward, or pullback, "
            f"given {type(layer).__name__} without {' and '.join(missing)}"
        )
    if len(inputs := layers.required(getattr(layer, "forward", None))) > 1:
        raise TypeError(
            f"layer: expected forward(z) of one array, given forward({', '.join(inputs)}); "
            "a function of several arguments is checked by `check`"
        )
    if not hasattr(layer, "backward"):
        return "pure"
    return "cached" if layers.takes(layer.backward) < 2 else "pure"
