"""Second derivatives as first ones: what is claimed of a gradient, as of any function."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check.problem import Problem, Values


def of_gradient(problem: Problem, rule: str, names: tuple[str, ...]) -> Problem | None:
    """Return the gradient by some arguments, with hessian as its Jacobian, or hvp as its vjp.

    Parameters
    ----------
    problem : Problem
        It claims the rule.
    rule : {"hessian", "hvp"}
    names : tuple of str
        Of the arguments, just one for a Hessian; the others stay as they are.

    Returns
    -------
    Problem or None
        None where neither a gradient nor a vjp is claimed.
    """
    gradient, vjp, hessian, hvp = problem.gradient, problem.vjp, problem.hessian, problem.hvp
    if gradient is None and vjp is None:
        return None

    def every(values: Values) -> Values:
        return {name: np.array(x) for name, x in {**problem.values, **values}.items()}

    def forward(values: Values) -> Array:
        if gradient is not None:
            return _joined(gradient(every(values)), names)
        assert vjp is not None
        one = np.ones(np.shape(problem.forward(every(values))))
        return _joined(vjp(every(values), one), names)

    def pulled(values: Values, delta: Array) -> Mapping[str, Any]:
        assert hvp is not None
        return hvp(every(values), zeros(problem.values) | _apart(delta, problem.values, names))

    def whole(values: Values) -> Mapping[str, Any]:
        assert hessian is not None
        return {names[0]: hessian(every(values))[names[0]]}

    return Problem(
        problem.name,
        {name: problem.values[name] for name in names},
        forward,
        vjp=pulled if rule == "hvp" else None,
        jacobian=whole if rule == "hessian" else None,
        rules=dict.fromkeys(names, rule),
        known=problem.known,
    )


def zeros(values: Values) -> Values:
    """Return zeros in the shapes of arrays."""
    return {name: np.zeros(x.shape) for name, x in values.items()}


def _joined(parts: Mapping[str, Any], names: tuple[str, ...]) -> Array:
    """Return arrays as one: a single one as it is, several as a vector."""
    found = [np.asarray(parts[name], dtype=np.float64) for name in names]
    return found[0] if len(found) == 1 else np.concatenate([part.ravel() for part in found])


def _apart(delta: Array, like: Values, names: tuple[str, ...]) -> Values:
    """Take what `_joined` joined apart again."""
    ends = np.cumsum([like[name].size for name in names])[:-1]
    parts = np.split(delta.ravel(), ends)
    return {n: part.reshape(like[n].shape) for n, part in zip(names, parts, strict=True)}
