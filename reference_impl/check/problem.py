"""What is checked, whatever was brought: a function of named arrays, and what is claimed of it.

Arguments and parameters alike are named float64 arrays ("z", "W", "0.W", "x[1].b"); integers,
labels and masks are constants inside `forward`. The output is one array; what returns a tuple or a
dictionary is brought as the vector of all its numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reference_impl.arguments import Array
from reference_impl.check.report import Finding

Values = dict[str, Array]


def asked(signature: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call what was brought; an error that it raises says whose it is, and at which shapes."""
    try:
        return function(*args)
    except Exception as problem:
        shapes = (str(x.shape) if hasattr(x, "shape") else type(x).__name__ for x in args)
        problem.add_note(f"raised in your {signature}, called with {', '.join(shapes)}")
        raise


@dataclass(frozen=True, eq=False)
class Along:
    """What is claimed of the second order: the rules differentiated along a direction.

    `claim` maps (values, tangents, delta, change of delta) to {rule: change}, `rules` maps
    (values, delta) to {rule: array}, for the same rules.
    """

    claim: Callable[[Values, Values, Array, Array], Mapping[str, Any]]
    rules: Callable[[Values, Array], Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Problem:
    """A function and its claims; a claim that is None is not made.

    Attributes
    ----------
    name : str
        Of what was brought.
    values : dict of arrays
        Where to check. Claims are compared for these names.
    forward : callable
        values -> output, an array of any shape. Called with copies.
    gradient : callable, optional
        values -> {name: df/dx}, where the output is one number.
    vjp : callable, optional
        (values, delta) -> {name: sum_u delta_u df_u/dx}, delta of the shape of the output.
    jvp : callable, optional
        (values, tangents) -> the derivative of the output along the tangents.
    jacobian, hessian : callable, optional
        values -> {name: array of shape output x argument}, and of shape argument x argument.
    hvp : callable, optional
        (values, tangents) -> {name: Hessian times tangent}.
    along : Along, optional
        The second order of a layer.
    rules : dict of str
        name -> how its vjp is called in the report: {"z": "RULE 2 (backward)"}.
    hidden : dict of arrays
        Float arrays that `forward` accepts by name too, but of which no gradient is claimed.
    constants : tuple of str
        Those of `hidden` that may well be data: no fault if they change the output.
    rows : str
        The argument whose rows are data points, if it has any.
    again : callable, optional
        (values, delta) -> as vjp, but without a fresh start, after a forward at other values: what
        is kept between calls shows.
    known : dict of arrays
        What else `forward` is made of, a design matrix or soft labels: a cause may be seen in it.
    script : str
        A program that repeats the check.
    notes : tuple of str
        What was noticed when it was brought.
    faults : tuple of Finding
        What was found wrong then.
    """

    name: str
    values: Values
    forward: Callable[[Values], Array]
    gradient: Callable[[Values], Mapping[str, Any]] | None = None
    vjp: Callable[[Values, Array], Mapping[str, Any]] | None = None
    jvp: Callable[[Values, Values], Any] | None = None
    jacobian: Callable[[Values], Mapping[str, Any]] | None = None
    hessian: Callable[[Values], Mapping[str, Any]] | None = None
    hvp: Callable[[Values, Values], Mapping[str, Any]] | None = None
    along: Along | None = None
    rules: dict[str, str] = field(default_factory=dict)
    hidden: Values = field(default_factory=dict)
    constants: tuple[str, ...] = ()
    rows: str = ""
    again: Callable[[Values, Array], Mapping[str, Any]] | None = None
    known: Values = field(default_factory=dict)
    script: str = ""
    notes: tuple[str, ...] = ()
    faults: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class Case:
    """A claim that was found wrong, with all that is known about it.

    Attributes
    ----------
    rule, argument : str
        "RULE 2 (backward)", "z".
    got, want, error : arrays
        What is claimed; what differences give, of the shape of the argument and nan where not
        known; and a bound of its error, entry by entry. `got` may have another shape.
    at : array
        The value of the argument.
    value, delta : arrays
        The output and the cotangent (1 for a cost).
    jacobian : array, optional
        Shape output x argument, by differences, when it is small.
    values : dict of arrays
        All arguments and parameters.
    ask : callable, optional
        (values, delta) -> the claim there.
    slopes : callable, optional
        (values, delta) -> want and error there.
    along : callable, optional
        (values, delta, direction) -> a number, the change of sum_u delta_u f_u, and its error: of
        less cost than `slopes`.
    known : dict of arrays
        That of the problem.
    others : dict of arrays
        What is right for the other arguments.
    """

    rule: str
    argument: str
    got: Array
    want: Array
    error: Array
    at: Array
    value: Array
    delta: Array
    jacobian: Array | None
    values: Values
    ask: Callable[[Values, Array], Array] | None = None
    slopes: Callable[[Values, Array], tuple[Array, Array]] | None = None
    along: Callable[[Values, Array, Array], tuple[float, float]] | None = None
    known: Values = field(default_factory=dict)
    others: Values = field(default_factory=dict)
