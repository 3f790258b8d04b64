"""A layer as a problem: pure (backward(z, delta)), by its pullback, or with a cache."""

import copy
import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array
from reference_impl.check.constants import constants
from reference_impl.check.problem import Along, Problem, Values, asked
from reference_impl.check.report import Finding

RULE_2, RULE_3 = "RULE 2 (backward)", "RULE 3 (parameter_gradient, {})"
HOLDERS = "params", "parameters", "weights"  # attributes that may hold the parameters by name
GRADIENTS = "grads", "gradients", "grad"  # and their gradients
RESETS = "zero_grad", "zero_grads", "zero_gradients", "reset_gradients"
SPELLINGS = "{}", "d{}", "d_{}", "grad_{}", "g_{}", "{}_grad", "{}_gradient"
Answer = tuple[Any, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Brought:
    """A layer, the input it is checked at, and the names of its parameters."""

    layer: Any
    z: NDArray[Any]
    cached: bool
    names: dict[str, str]  # of the parameters, and how their gradients are called
    hidden: tuple[str, ...] = ()  # float arrays without gradients
    strange: tuple[str, ...] = ()  # gradients of what the layer does not have

    @property
    def differentiable(self) -> bool:
        """Whether z is real numbers, not labels."""
        return bool(self.z.dtype.kind == "f")

    def at(self, values: Values) -> Any:
        """Return the layer with the parameters of `values`; with a cache, always a fresh copy."""
        layer = copy.deepcopy(self.layer) if self.cached else self.layer
        for name in (*self.names, *self.hidden):
            if name in values:
                old = parameter(layer, name)
                if not np.array_equal(np.asarray(old, dtype=np.float64), values[name]):
                    layer = with_parameter(layer, name, _alike(old, values[name]))
        return layer

    def input(self, values: Values) -> NDArray[Any]:
        """Return z of its own type."""
        return np.asarray(values["z"], dtype=self.z.dtype) if self.differentiable else self.z.copy()

    def forward(self, values: Values) -> Any:
        """RULE 1."""
        return forward(self.at(values), self.input(values))

    def jacobian(self, values: Values) -> Any:
        """The derivatives of the outputs, where the layer has them."""
        return asked("jacobian(z)", self.at(values).jacobian, self.input(values))

    def vjp(self, values: Values, delta: Array) -> dict[str, Any]:
        """RULES 2 and 3."""
        return self.named(rules(self.at(values), self.input(values), delta, self.cached))

    def again(self) -> Callable[[Values, Array], dict[str, Any]]:
        """Return RULES 2 and 3 of one layer that is kept, and has been elsewhere just before.

        Gradients that add up are set to zero each time, if the layer has a method for that.
        """
        kept = copy.deepcopy(self.layer)
        reset = next((getattr(kept, name) for name in RESETS if hasattr(kept, name)), None)

        def rules_again(values: Values, delta: Array) -> dict[str, Any]:
            if reset is not None:
                reset()
            z = self.input(values)
            forward(kept, 0.875 * z if self.differentiable else z.copy())
            return self.named(rules(kept, z, delta, self.cached))

        return rules_again

    def named(self, answer: Answer) -> dict[str, Any]:
        """Return what RULES 2 and 3 give, by the names of z and the parameters."""
        of_z, gradients = answer
        found = {name: gradients.get(spelled) for name, spelled in self.names.items()}
        return {"z": of_z, **found} if self.differentiable else found

    def along(self) -> Along:
        """Return what `pullback_along` says, and what it is about."""

        def claim(values: Values, v: Values, delta: Array, change: Array) -> dict[str, Any]:
            dtheta = {name: v[name] for name in self.names}
            call, at = "pullback_along(z, dz, dtheta)", (self.input(values), v["z"], dtheta)
            of_value, back = asked(call, self.at(values).pullback_along, *at)
            of_delta, of_gradients = asked(f"{call}[1](delta, change)", back, delta, change)
            rest = {f"RULE 3, {name}": of_gradients.get(name, np.nan) for name in self.names}
            return {"RULE 1": of_value, "RULE 2": of_delta, **rest}

        def changed(values: Values, delta: Array) -> dict[str, Any]:
            found = self.vjp(values, delta)
            rest = {f"RULE 3, {name}": found[name] for name in self.names}
            return {"RULE 1": self.forward(values), "RULE 2": found["z"], **rest}

        return Along(claim, changed)


def problem_of(
    layer: Any, z: NDArray[Any], params: tuple[str, ...] | None, cached: bool, script: str
) -> Problem:
    """Return what a layer claims at z as a problem.

    Raises
    ------
    TypeError, ValueError
        For what is no layer, for a z that is not finite numbers, and for unknown parameters.
    """
    layer = _copied(layer)
    brought = _brought(layer, z, params, cached)
    parameters = {name: _numbers(layer, name) for name in brought.names}
    inputs = {"z": np.array(brought.z, dtype=np.float64)} if brought.differentiable else {}
    hidden = {name: _numbers(layer, name) for name in brought.hidden}
    data = [n for n, x in hidden.items() if x.ndim == 0 or (z.ndim and len(x) == len(z))]
    whole = hasattr(layer, "jacobian") and brought.differentiable
    taken = "checked as floats" if brought.differentiable else "taken for constants"
    takes_delta = not cached or takes(layer.backward) != 0
    return Problem(
        type(layer).__name__,
        inputs | parameters,
        brought.forward,
        gradient=None if takes_delta else lambda v: brought.vjp(v, np.ones(())),
        vjp=brought.vjp if takes_delta else None,
        jacobian=(lambda v: {"z": brought.jacobian(v)}) if whole else None,
        along=brought.along() if hasattr(layer, "pullback_along") and whole else None,
        rules={"z": RULE_2} | {name: RULE_3.format(name) for name in parameters},
        hidden=hidden,
        known={**constants(getattr(layer, "forward", layer)), **hidden},
        constants=tuple(data),
        rows="z" if z.ndim else "",
        again=brought.again() if cached else None,
        script=script,
        notes=(f"z holds integers: {taken}",) if z.dtype.kind != "f" else (),
        faults=tuple(
            Finding(RULE_3.format(name), name, evidence="the layer has no parameter of this name")
            for name in brought.strange
        ),
    )


def _brought(layer: Any, z: NDArray[Any], params: tuple[str, ...] | None, cached: bool) -> Brought:
    """Find the parameters of a layer: those it has gradients for, or those that are named."""
    z = z if z.dtype.kind == "f" else _as_floats(layer, z, cached)
    trial = copy.deepcopy(layer) if cached else layer
    with np.errstate(all="ignore"):
        output, kept = _forward(trial, z.copy())
        value = np.asarray(output)
        gradients: dict[str, Any] = {}
        if value.dtype.kind in "fiub" and value.size:  # else it is a fault, which is found later
            of_z, gradients = rules(trial, z.copy(), np.ones(value.shape), cached)
            if z.dtype.kind != "f" and _is_number(of_z) and np.any(of_z):
                raise TypeError(
                    f"z: expected floats, given {z.dtype}: backward returns a derivative by z, and "
                    "with floats the layer raises an error; return None where z is looked up"
                )
    arrays = [n for n, x in kept.items() if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    found = [(next((n for n in _unspelled(g) if _has(layer, n)), ""), g) for g in gradients]
    names = {name: spelled for name, spelled in found if name}
    strange = tuple(spelled for name, spelled in found if not name)
    if params is None:
        hidden = tuple(name for name in arrays if name not in names and name != "z")
        return Brought(layer, z, cached, names, hidden, strange)
    for name in params:
        if not _has(layer, name):
            have = ", ".join(arrays) or "none"
            raise ValueError(f"params: expected names of parameters ({have}), given {name!r}")
    return Brought(layer, z, cached, {name: names.get(name, name) for name in params}, (), strange)


def _as_floats(layer: Any, z: NDArray[Any], cached: bool) -> NDArray[Any]:
    """Return integers as floats, unless the layer looks them up and has no derivative by them."""
    layer, floats = copy.deepcopy(layer) if cached else layer, z.astype(np.float64)
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(forward(layer, floats.copy()))
            of_z, _ = rules(layer, floats.copy(), np.ones(value.shape), cached)
            if _is_number(of_z) and not np.any(of_z) and value.size:  # is it rounded in there?
                return z if np.array_equal(forward(layer, floats + 0.25), value) else floats
    except Exception:  # floats are no index, say; if it raises for integers too, that is passed on
        return z
    return floats if _is_number(of_z) else z


def _is_number(answer: Any) -> bool:
    return answer is not None and np.asarray(answer).dtype.kind in "fiub"


# ----------------------------------------------------------------- the rules of any layer


def forward(layer: Any, z: NDArray[Any]) -> Any:
    """RULE 1."""
    if hasattr(layer, "forward"):
        return asked("forward(z)", layer.forward, z)
    return _pulled(layer, z)[0]


def _forward(layer: Any, z: NDArray[Any]) -> tuple[Any, dict[str, Any]]:
    """RULE 1, and the numbers that it leaves as they were: what it keeps is no parameter."""
    before = dict(numbers(layer))
    value = forward(layer, z)
    return value, {name: x for name, x in numbers(layer) if before.get(name) is x}


def _pulled(layer: Any, z: NDArray[Any]) -> tuple[Any, Callable[[Array], Any]]:
    match asked("pullback(z)", layer.pullback, z):
        case (value, back) if callable(back):
            return value, back
    raise TypeError("pullback: expected the output and a function of delta")


def rules(layer: Any, z: NDArray[Any], delta: Array, cached: bool) -> Answer:
    """RULES 2 and 3: what goes back to z, and the gradients as the layer calls them."""
    if cached:
        _, kept = _forward(layer, z)
        given = (delta,) if takes(layer.backward) else ()
        of_z, gradients = _split(
            asked(f"backward({'delta' if given else ''})", layer.backward, *given)
        )
        return of_z, {**_stored(layer, kept), **gradients}
    if not hasattr(layer, "backward"):
        answer = asked("pullback(z)[1](delta)", _pulled(layer, z)[1], delta)
        if not (isinstance(answer, tuple) and len(answer) == 2):
            raise TypeError(
                "pullback: expected an array and gradients by name of its function of delta, "
                f"given {type(answer).__name__}"
            )
        of_z, gradients = answer
        return of_z, _by_name("pullback", gradients() if callable(gradients) else gradients)
    of_z, gradients = _split(asked("backward(z, delta)", layer.backward, z, delta))
    if hasattr(layer, "parameter_gradient"):
        rule_3 = asked("parameter_gradient(z, delta)", layer.parameter_gradient, z, delta)
        gradients |= _by_name("parameter_gradient", rule_3)
    return of_z, gradients


def _by_name(rule: str, gradients: Any) -> dict[str, Any]:
    if not isinstance(gradients, Mapping):
        raise TypeError(
            f"{rule}: expected a dictionary of arrays by the names of the parameters, "
            f"given {type(gradients).__name__}"
        )
    return dict(gradients)


def _split(answer: Any) -> Answer:
    """Take (delta of z, gradients by name) apart."""
    match answer:
        case (of_z, Mapping() as gradients):
            return of_z, dict(gradients)
        case tuple() | Mapping():
            parts = f" of {', '.join(type(part).__name__ for part in answer)}"
            raise ValueError(
                "backward: expected an array, or an array and gradients by name, "
                f"given a {type(answer).__name__}{parts if isinstance(answer, tuple) else ''}"
            )
    return answer, {}


def _stored(layer: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the gradients of `names` that a layer with a cache has put into its attributes."""
    found: dict[str, Any] = {}
    for holder in GRADIENTS:
        held = getattr(layer, holder, None)
        found |= held if isinstance(held, Mapping) else {}
    for name in names:
        for spelling in SPELLINGS[1:]:
            gradient = getattr(layer, spelling.format(name), None)
            if isinstance(gradient, np.ndarray | float):
                found[spelling.format(name)] = gradient
    return found


def takes(method: Callable[..., Any]) -> int:
    """Return how many arguments a method takes."""
    try:
        return len(inspect.signature(method).parameters)
    except (TypeError, ValueError):
        return 1


def required(method: Any) -> list[str]:
    """Name the arguments that a method needs; none where they are not known."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return []
    places = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [p.name for p in parameters if p.kind in places and p.default is p.empty]


# ---------------------------------------------------------------------------- parameters


def numbers(layer: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the attributes that are real numbers or arrays, and no gradients; see `parameter`."""
    attributes = dict(getattr(layer, "__dict__", {}))
    for holder in HOLDERS:
        held = attributes.get(holder)
        attributes |= held if isinstance(held, dict) else {}
    spelled = {s.format(n) for n in attributes for s in SPELLINGS[1:]}
    for name, value in attributes.items():
        is_array = isinstance(value, np.ndarray) and value.dtype.kind in "fiu"
        if (is_array or isinstance(value, float)) and name not in spelled:
            yield f"{prefix}{name}", value
    inner = attributes.get("layers")
    for k, part in enumerate(inner if isinstance(inner, list | tuple) else ()):
        yield from numbers(part, f"{prefix}{k}.")


def parameter(layer: Any, name: str) -> Any:
    """Return the parameter of a layer by its name: "W", or "0.W" of an inner layer."""
    first, _, rest = name.partition(".")
    if first.isdigit():
        return parameter(layer.layers[int(first)], rest)
    if rest:
        return parameter(getattr(layer, first), rest)
    if hasattr(layer, name):
        return getattr(layer, name)
    return next(held[name] for held in _held(layer) if name in held)


def with_parameter(layer: Any, name: str, value: Any) -> Any:
    """Return a layer like this with another value of one parameter."""
    first, _, rest = name.partition(".")
    if first.isdigit():
        layers = list(layer.layers)
        layers[int(first)] = with_parameter(layers[int(first)], rest, value)
        return with_parameter(layer, "layers", type(layer.layers)(layers))
    if rest:
        return with_parameter(layer, first, with_parameter(getattr(layer, first), rest, value))
    if dataclasses.is_dataclass(layer) and not isinstance(layer, type):
        try:
            return dataclasses.replace(layer, **{name: value})
        except (TypeError, ValueError):  # a field that is not an argument
            pass
    other = copy.copy(layer)
    if hasattr(layer, name):
        object.__setattr__(other, name, value)
        return other
    for holder in HOLDERS:
        held = getattr(layer, holder, None)
        if isinstance(held, dict) and name in held:
            object.__setattr__(other, holder, {**held, name: value})
    return other


def _held(layer: Any) -> list[dict[str, Any]]:
    held = (getattr(layer, holder, None) for holder in HOLDERS)
    return [part for part in held if isinstance(part, dict)]


def _has(layer: Any, name: str) -> bool:
    try:
        return _numbers(layer, name).dtype.kind == "f"
    except (AttributeError, IndexError, StopIteration, TypeError, ValueError):
        return False


def _numbers(layer: Any, name: str) -> Array:
    return np.array(parameter(layer, name), dtype=np.float64)


def _unspelled(name: str) -> Iterator[str]:
    """Return the names of which this may be the gradient: dW and W_grad are that of W.

    The name itself comes last: dW is an attribute as well, where gradients are added up.
    """
    for spelling in reversed(SPELLINGS):
        before, after = spelling.split("{}")
        if name.startswith(before) and name.endswith(after):
            yield name[len(before) : len(name) - len(after)]


def _alike(old: Any, new: Array) -> Any:
    if isinstance(old, np.ndarray | np.generic):
        return np.asarray(new, dtype=old.dtype) if old.dtype.kind == "f" else new
    return float(new) if new.ndim == 0 else new


def _copied(layer: Any) -> Any:
    """Return a copy, so that nothing is left behind in the layer; itself if it has none."""
    try:
        return copy.deepcopy(layer)
    except Exception:  # a lock, a file, a generator: any class may refuse in its own way
        return layer
