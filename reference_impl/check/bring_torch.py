"""What PyTorch differentiates, as a problem: modules, autograd Functions and functions.

Everything is checked as copies in float64, since differences in float32 show no more than three
digits; what does not run in float64 is checked in its own type.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from reference_impl.arguments import Array
from reference_impl.check.examine import examine
from reference_impl.check.problem import Problem, Values
from reference_impl.check.report import Finding, Report
from reference_impl.check.script import program
from reference_impl.check.trees import argument_names, leaves, replaced

Tensors = dict[str, Any]
# A module or function in float64 may raise, if something in it is of another type.
REFUSALS = (NotImplementedError, RuntimeError, TypeError, ValueError)


def check_torch(f: Any, *tensors: Any, seed: int = 0, budget: float = 10.0) -> Report:
    """Check the gradients of a module, an autograd Function or a function of tensors.

    Parameters
    ----------
    f : torch.nn.Module, subclass of torch.autograd.Function, or callable
        Of a module the parameters that require a gradient are checked too, by their names, in the
        mode (training or evaluation) that it is in. Every call draws the same random numbers, so
        that dropout has one mask, and starts from the buffers as they are.
    *tensors
        Its arguments; tensors may lie in lists, tuples and dictionaries. Those of floating-point
        numbers are checked, or, if some require a gradient, these alone.
    seed : int
        For the random choices, those of `f` included.
    budget : float
        In seconds of processor time.

    Returns
    -------
    Report
        Of backward, and of the `jvp` of a Function that has one. If they are right: of cotangents
        that are strided or expanded, of each gradient when no other is required, and of double
        backward where there is one.

    Raises
    ------
    ImportError
        Without PyTorch.
    TypeError
        For arguments without a tensor of floating-point numbers, and for complex tensors.
    """
    torch = import_torch()
    with _one_thread(torch):
        passes, notes = _brought(torch, f, tensors, seed)
        script = program("check_torch", (f, *tensors), {"seed": seed})
        return _checked(passes, _problem(passes, notes, script), seed, budget)


def _checked(passes: "Passes", problem: Problem, seed: int, budget: float) -> Report:
    began = time.process_time()
    first = examine(problem, seed=seed, budget=0.75 * budget)
    left = max(0.25 * budget, budget - (time.process_time() - began))
    if first.verdict != "right":
        return first
    findings = tuple(_of_calls(passes, np.random.default_rng(seed)))
    twice, further = _twice(passes, seed)
    if twice is not None:
        second = examine(twice, seed=seed, budget=left)
        findings += second.findings
        if second.verdict == "cannot tell":
            further += (f"double backward was not told: {second.notes[0]}",)
        first = replace(
            first,
            compared=first.compared + second.compared,
            tolerance=max(first.tolerance, second.tolerance),
        )
    return replace(
        first,
        verdict="wrong" if findings else "right",
        findings=findings,
        notes=(*first.notes, *further),
    )


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Compute on one thread: many calls of little work wait for others more than they gain."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def import_torch() -> Any:
    """Import PyTorch.

    Raises
    ------
    ImportError
        In one line, where it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise ImportError("this needs PyTorch: pip install torch") from None
    return torch


@dataclass(frozen=True, eq=False)
class Passes:
    """The forward and the backward pass of what was brought, from and to arrays by name."""

    torch: Any
    name: str
    call: Callable[[Tensors], Any]
    given: Tensors  # what is checked
    fixed: Tensors  # what else is a tensor: data, and the buffers of a module
    seed: int
    jvp: bool  # whether a jvp is claimed
    random: bool = True  # whether the output may depend on the seed

    def values(self) -> Values:
        """Return where to check."""
        return {name: _array(tensor).astype(np.float64) for name, tensor in self.given.items()}

    def tensors(self, values: Values) -> Tensors:
        """Return values as tensors of the types checked, laid out as those given."""
        torch = self.torch
        return {
            name: torch.empty_like(tensor).copy_(torch.tensor(values[name]))
            for name, tensor in self.given.items()
        }

    def outputs(self, tensors: Tensors) -> list[Any]:
        """Return the floating-point tensors of the output.

        Each call draws the same random numbers, and what it writes to is a copy.
        """
        torch = self.torch
        every = tensors | self.fixed
        devices = {tensor.device for tensor in every.values() if tensor.is_cuda}
        with torch.random.fork_rng(devices) if self.random else nullcontext():
            if self.random:
                torch.manual_seed(self.seed)
            output = self.call({name: tensor.clone() for name, tensor in every.items()})
        found = [leaf for _, leaf in leaves("", output) if isinstance(leaf, torch.Tensor)]
        for leaf in found:
            _refuse_complex(self.name, {"the output": leaf})
        return [leaf for leaf in found if leaf.is_floating_point()]

    def forward(self, values: Values) -> Array:
        """Return the output; of several tensors, the vector of all their numbers."""
        with self.torch.no_grad():
            return _joined(self.outputs(self.tensors(values)))

    def vjp(self, values: Values, delta: Array) -> Values:
        """Return delta taken back by `backward`; what gets no gradient is left out."""
        return self.pulled(values, lambda outputs: self.cotangents(outputs, delta.copy()))

    def pulled(
        self, values: Values, cotangents: Callable[[list[Any]], list[Any]], only: str = ""
    ) -> Values:
        """Return the gradients for given cotangents, or only one of them."""
        tensors = self.tensors(values)
        wanted = {only: tensors[only]} if only else tensors
        for tensor in wanted.values():
            tensor.requires_grad_()
        with self.torch.enable_grad():
            outputs = self.outputs(tensors)
        return {
            name: _array(gradient)
            for name, gradient in self.gradients(outputs, cotangents(outputs), wanted).items()
        }

    def gradients(
        self, outputs: list[Any], cotangents: list[Any], wanted: Tensors, again: bool = False
    ) -> Tensors:
        """Return what autograd gives, for use again if it is to be differentiated."""
        pairs = zip(outputs, cotangents, strict=True)
        reached = [(output, delta) for output, delta in pairs if output.requires_grad]
        if not reached:
            return {}
        found = self.torch.autograd.grad(
            [output for output, _ in reached],
            list(wanted.values()),
            [delta for _, delta in reached],
            allow_unused=True,
            create_graph=again,
        )
        return {name: g for name, g in zip(wanted, found, strict=True) if g is not None}

    def cotangents(self, outputs: list[Any], delta: Any) -> list[Any]:
        """Return delta, an array or a tensor, as one tensor for each output."""
        parts = self.torch.as_tensor(delta).flatten().split([output.numel() for output in outputs])
        return [part.to(o).reshape(o.shape) for o, part in zip(outputs, parts, strict=True)]

    def pushed(self, values: Values, tangents: Values) -> Array:
        """Return the derivative of the output along tangents, by the jvp of the Function."""
        forward_ad = self.torch.autograd.forward_ad
        # Its first use compiles something, and warns that this will change.
        with warnings.catch_warnings(action="ignore"), forward_ad.dual_level():
            at, along = self.tensors(values), self.tensors(tangents)
            dual = {name: forward_ad.make_dual(at[name], along[name]) for name in at}
            pairs = [(o, forward_ad.unpack_dual(o).tangent) for o in self.outputs(dual)]
            return _joined([self.torch.zeros_like(o) if t is None else t for o, t in pairs])


def _brought(
    torch: Any, f: Any, arguments: tuple[Any, ...], seed: int
) -> tuple[Passes, tuple[str, ...]]:
    """Return the passes of what was brought, and what was noticed."""
    module = f if isinstance(f, torch.nn.Module) else None
    function = isinstance(f, type) and issubclass(f, torch.autograd.Function)
    name = type(f).__name__ if module else getattr(f, "__name__", type(f).__name__)
    signature, apply, jvp = f, f, False
    if module:
        signature = f.forward
    elif function:
        old = f.setup_context is torch.autograd.Function.setup_context
        signature = partial(f.forward, None) if old else f.forward
        apply, jvp = f.apply, f.jvp is not torch.autograd.Function.jvp
    names = argument_names(signature, len(arguments))
    tree = dict(zip(names, arguments, strict=True))
    found = {n: leaf for part in tree for n, leaf in leaves(part, tree[part])}
    tensors = {n: leaf for n, leaf in found.items() if isinstance(leaf, torch.Tensor)}
    _refuse_complex(name, tensors)
    floats = {n: tensor for n, tensor in tensors.items() if tensor.is_floating_point()}
    required = {n: tensor for n, tensor in floats.items() if tensor.requires_grad} or floats
    # What a module owns, by its names; one that an argument has too is told from it.
    parameters = dict(module.named_parameters()) if module else {}
    buffers = dict(module.named_buffers()) if module else {}
    tied = module and len(parameters) < len([*module.named_parameters(remove_duplicate=False)])
    own = {n: f"self.{n}" if n in found else n for n in (*parameters, *buffers)}
    trained = {own[n]: p for n, p in parameters.items() if p.requires_grad}
    given = required | trained
    if not given:
        kinds = ", ".join(type(argument).__name__ for argument in arguments) or "nothing"
        raise TypeError(f"{name}: expected a tensor of floating-point numbers, given {kinds}")
    owned = {own[n]: tensor for n, tensor in (parameters | buffers).items()}
    fixed = {n: tensor for n, tensor in (tensors | owned).items() if n not in given}

    def call(every: Tensors) -> Any:
        brought = [replaced(part, tree[part], every) for part in tree]
        if module:
            state = {n: every[own[n]] for n in own}
            return torch.func.functional_call(module, state, tuple(brought), tie_weights=tied)
        return apply(*brought)

    passes = Passes(torch, name, call, _detached(given), _detached(fixed), seed, jvp)
    types = {tensor.dtype for tensor in given.values()} - {torch.float64}
    notes: list[str] = []
    if types:
        said = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in types))
        double = _in_double(passes)
        notes.append(
            f"given in {said}, checked as copies in float64"
            if double
            else f"it does not run in float64: checked in {said}"
        )
        passes = double or passes
    if module:
        notes.append(f"in {'training' if module.training else 'evaluation'} mode")
        frozen = [own[n] for n, p in parameters.items() if not p.requires_grad]
        if frozen:
            notes.append(f"{', '.join(frozen)}: constant, since no gradient is required of it")
    passes = replace(passes, random=_is_random(passes))
    if passes.random:
        notes.append("forward is random; each call draws the same numbers")
    if written := _written(passes):
        notes.append(f"forward writes to {', '.join(written)}; each call is given it as it was")
    return passes, tuple(notes)


def _detached(tensors: Tensors) -> Tensors:
    return {name: tensor.detach() for name, tensor in tensors.items()}


def _in_double(passes: Passes) -> Passes | None:
    """Return the passes in float64, or None where something in them is of another type."""
    double = replace(
        passes,
        given={name: tensor.double() for name, tensor in passes.given.items()},
        fixed={
            name: tensor.double() if tensor.is_floating_point() else tensor
            for name, tensor in passes.fixed.items()
        },
    )
    try:
        with passes.torch.no_grad():
            outputs = double.outputs(double.tensors(double.values()))
    except REFUSALS:
        return None
    return double if all(out.dtype == passes.torch.float64 for out in outputs) else None


def _is_random(passes: Passes) -> bool:
    values, other = passes.values(), replace(passes, seed=passes.seed + 1)
    return not np.array_equal(passes.forward(values), other.forward(values), equal_nan=True)


def _written(passes: Passes) -> list[str]:
    """Return the names of what forward writes to: its arguments, or the buffers of a module."""
    seen: Tensors = {}

    def watched(every: Tensors) -> Any:
        seen.update(every)
        return passes.call(every)

    tensors = passes.tensors(passes.values())
    before = tensors | passes.fixed
    with passes.torch.no_grad():
        replace(passes, call=watched).outputs(tensors)
    return [name for name in seen if not passes.torch.equal(seen[name], before[name])]


def _problem(passes: Passes, notes: tuple[str, ...], script: str) -> Problem:
    values = passes.values()
    return Problem(
        name=passes.name,
        values=values,
        forward=passes.forward,
        vjp=passes.vjp,
        jvp=passes.pushed if passes.jvp else None,
        rules={name: f"backward ({name})" for name in values},
        script=script,
        notes=notes,
    )


def _of_calls(passes: Passes, rng: np.random.Generator) -> Iterator[Finding]:
    """Backward says the same however the cotangent lies in memory, and whatever else is required."""
    torch, values = passes.torch, passes.values()
    delta = rng.standard_normal(np.shape(passes.forward(values)))

    def contiguous(outputs: list[Any]) -> list[Any]:
        return passes.cotangents(outputs, delta)

    def strided(outputs: list[Any]) -> list[Any]:
        turned = [part.mT if part.ndim > 1 else part for part in contiguous(outputs)]
        gapped = [torch.stack([part, part], dim=-1)[..., 0] for part in turned]
        return [part.mT if part.ndim > 1 else part for part in gapped]

    def expanded(outputs: list[Any]) -> list[Any]:
        return [torch.ones((), dtype=o.dtype, device=o.device).expand(o.shape) for o in outputs]

    def ones(outputs: list[Any]) -> list[Any]:
        return [torch.ones_like(o, memory_format=torch.contiguous_format) for o in outputs]

    if delta.shape:
        yield from _differing(passes, values, strided, contiguous, "for a strided cotangent")
        yield from _differing(passes, values, expanded, ones, "for an expanded cotangent")
    for name in values if len(values) > 1 else ():
        alone = f"when no other gradient than that by {name} is required"
        yield from _differing(passes, values, contiguous, contiguous, alone, name)


def _differing(
    passes: Passes,
    values: Values,
    one: Callable[[list[Any]], list[Any]],
    other: Callable[[list[Any]], list[Any]],
    when: str,
    only: str = "",
) -> Iterator[Finding]:
    """Yield a finding for each gradient that is another one in this case, to half its digits."""
    want = passes.pulled(values, other)
    try:
        got = passes.pulled(values, one, only)
    except REFUSALS as problem:
        said = str(problem).partition("\n")[0]
        evidence = f"{when} it raises {type(problem).__name__}: {said}"
        yield Finding("backward", only or next(iter(values)), evidence=evidence)
        return
    for name in [only] if only else want:
        right = want.get(name, np.zeros_like(values[name])).astype(np.float64)
        found = got.get(name, np.zeros_like(right)).astype(np.float64)
        digits = np.finfo(want[name].dtype).eps ** 0.5 if name in want else 0.0
        tolerance = digits * np.abs(right).max(initial=0.0)
        wrong = ~(np.abs(found - right) <= tolerance)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            evidence = (
                f"{when}, at {list(index)}: {found[index]:.9g} in place of {right[index]:.9g}"
            )
            numbers = float(found[index]), float(right[index]), float(tolerance)
            yield Finding(f"backward ({name})", name, index, *numbers, evidence=evidence)


def _twice(passes: Passes, seed: int) -> tuple[Problem | None, tuple[str, ...]]:
    """Return backward as a function of its own, of the values and of delta; or why it is none."""
    torch, inner = passes.torch, passes.values()
    name = "delta" if "delta" not in inner else "the cotangent"
    delta = np.random.default_rng(seed).standard_normal(np.shape(passes.forward(inner)))

    def forward(at: Values) -> Array:
        found = passes.vjp({n: at[n] for n in inner}, at[name])
        return np.concatenate([found.get(n, np.zeros_like(v)).ravel() for n, v in inner.items()])

    def vjp(at: Values, change: Array) -> Values:
        leaf = torch.tensor(at[name], requires_grad=True)
        tensors = passes.tensors(at)
        for tensor in tensors.values():
            tensor.requires_grad_()
        with torch.enable_grad():
            outputs = passes.outputs(tensors)
            cotangents = passes.cotangents(outputs, leaf)
            gradients = passes.gradients(outputs, cotangents, tensors, again=True)
        changes = dict(zip(tensors, passes.cotangents(list(tensors.values()), change), strict=True))
        reached = {n: gradient for n, gradient in gradients.items() if gradient.requires_grad}
        # All leaves are asked for: `once_differentiable` raises only where it is passed through.
        torch.autograd.backward(list(reached.values()), [changes[n] for n in reached])
        pulled = {n: tensor.grad for n, tensor in (tensors | {name: leaf}).items()}
        return {n: _array(gradient) for n, gradient in pulled.items() if gradient is not None}

    try:
        vjp({**inner, name: delta}, np.ones(sum(v.size for v in inner.values())))
    except REFUSALS as problem:
        return None, (f"no double backward: {str(problem).partition(chr(10))[0]}",)
    rules = {n: f"double backward ({n})" for n in (*inner, name)}
    return Problem(passes.name, {**inner, name: delta}, forward, vjp=vjp, rules=rules), ()


def _array(tensor: Any) -> Any:
    """Return a tensor as an array, in float32 if NumPy has no type for it."""
    tensor = tensor.detach().resolve_neg().cpu()
    wide = tensor.dtype.itemsize >= 4
    return (tensor if wide else tensor.float()).to_dense().numpy().copy()


def _joined(tensors: list[Any]) -> Any:
    arrays = [_array(tensor) for tensor in tensors]
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate([array.ravel() for array in arrays]) if arrays else np.zeros(0)


def _refuse_complex(name: str, tensors: Tensors) -> None:
    for place, tensor in tensors.items():
        if tensor.is_complex():
            raise TypeError(f"{name}: expected real tensors, given {tensor.dtype} for {place}")
