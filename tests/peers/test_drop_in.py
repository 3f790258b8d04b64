"""Derived derivatives as functions of PyTorch and JAX: their own checks, and 50 digits."""

import functools
import inspect

import compare
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jax.test_util import check_grads

from benchmarks import derive as benchmark
from derivations import forward_pass
from derivations.derive import derive
from derivations.language.terms import Index
from derivations.prints import drop_in
from derivations.proof import digits

jax.config.update("jax_enable_x64", True)

# Every file of docs/forward_passes, each variable by itself or several at once.
CASES = [
    ("temperature", "W,tau"), ("label_smoothing", "W"), ("focal", "w,gamma"), ("silu", "z"),
    ("gelu", "z"), ("gelu_erf", "z"), ("hidden_layer", "U,b,v"), ("layer_norm", "z"),
    ("rms_norm", "z,g"), ("poisson", "w"), ("smooth_hinge", "w,beta"), ("cauchy", "w"),
    ("mahalanobis", "A,m"), ("gated_linear_unit", "U,V,X"), ("attention", "q,X,V"),
    ("contrastive", "Q,tau"), ("vector_softmax", "W"),
]  # fmt: skip
TWICE = [("temperature", "W"), ("silu", "z"), ("gelu", "z"), ("gelu_erf", "z"),
         ("layer_norm", "z"), ("poisson", "w"), ("attention", "q"), ("smooth_hinge", "w")]  # fmt: skip
PHI = {
    "torch": (torch.tanh, lambda s: 1 / torch.cosh(s) ** 2),
    "jax": (jnp.tanh, lambda s: 1 / jnp.cosh(s) ** 2),
}


def test_every_forward_pass_is_here():
    folder = benchmark.ROOT / "docs" / "forward_passes"
    assert sorted(file for file, _ in CASES) == sorted(path.stem for path in folder.glob("*.py"))


@functools.cache
def found(file, by):
    return benchmark.found(file, by)


def module(form, file, variables, tmp_path):
    derived = [found(file, by) for by in variables.split(",")]
    said = [(s, "") for one in derived for s in (one.result, *one.further)]
    path = tmp_path / f"{file}_{form}.py"
    path.write_text(drop_in.drop_in(form, said, file), encoding="utf-8")
    return forward_pass.run(path)


def numbers(file):
    """Numbers by the names of arrays; one z is 0, where |z| has no derivative."""
    source = np.random.default_rng(1)
    N, _, M, n = benchmark.SIZES.values()
    given = {
        **benchmark.numbers(),
        **{name: source.standard_normal(shape)
           for name, shape in {"A": (M, n), "m": n, "Q": (N, n), "g": M}.items()},
        "beta": np.array(1.4), "lambda": np.array(0.3), "c": np.array(1.3),
    }  # fmt: skip
    given["z"][0] = 0
    if file == "gated_linear_unit":
        given["V"] = source.standard_normal((M, n))
    return given


def arguments(form, function, file, made):
    names = [*inspect.signature(function).parameters]
    given = {**numbers(file), "lam": numbers(file)["lambda"]}
    given |= dict(zip(("phi", "phi_prime"), PHI[form], strict=True))
    return names, [made(given[n]) if isinstance(given[n], np.ndarray) else given[n] for n in names]


def of_variables(function, names, given, variables):
    """A function of the variables alone, and their values."""
    places = [names.index(by) for by in variables.split(",")]

    def alone(*values):
        whole = [*given]
        for place, value in zip(places, values, strict=True):
            whole[place] = value
        return function(*whole)

    return alone, [given[place] for place in places]


@pytest.mark.parametrize(("file", "variables"), CASES)
def test_torch(file, variables, tmp_path):
    code = module("torch", file, variables, tmp_path)
    names, given = arguments("torch", getattr(code, file), file, torch.tensor)
    alone, values = of_variables(getattr(code, file), names, given, variables)
    values = [value.requires_grad_() for value in values]
    assert torch.autograd.gradcheck(alone, values)
    assert torch.autograd.gradgradcheck(alone, values)
    small = [value.detach().float().requires_grad_() for value in values]
    singles = [g.float() if isinstance(g, torch.Tensor) else g for g in given]
    single, _ = of_variables(getattr(code, file), names, singles, variables)
    result = single(*small)
    slopes = torch.autograd.grad(result.sum(), small)
    assert result.dtype == torch.float32
    assert all(slope.dtype == torch.float32 for slope in slopes)


@pytest.mark.parametrize(("file", "variables"), CASES)
def test_jax(file, variables, tmp_path):
    code = module("jax", file, variables, tmp_path)
    names, given = arguments("jax", getattr(code, file), file, jnp.asarray)
    alone, values = of_variables(getattr(code, file), names, given, variables)
    for function in (alone, jax.jit(alone)):
        check_grads(function, values, order=2, modes=["rev"])
    singles = [jnp.float32(g) if isinstance(g, jax.Array) else g for g in given]
    single, small = of_variables(getattr(code, file), names, singles, variables)
    result, slopes = jax.value_and_grad(lambda *v: single(*v).sum(), (*range(len(small)),))(*small)
    assert result.dtype == jnp.float32
    assert all(slope.dtype == jnp.float32 for slope in slopes)


def exact(statement, given):
    (chain,) = statement.chains
    return digits.table(chain.left, given, at=chain.at, sizes=benchmark.SIZES)


def pulled_back(form, function, delta, values):
    """The value and what a delta becomes at each variable, as NumPy arrays."""
    if form == "jax":
        result, back = jax.vjp(function, *values)
        slopes = back(jnp.asarray(delta))
    else:
        values = [value.requires_grad_() for value in values]
        result = function(*values)
        slopes = torch.autograd.grad(result, values, torch.tensor(delta))
    return [np.asarray(v.detach() if form == "torch" else v) for v in (result, *slopes)]


@pytest.mark.parametrize("form", drop_in.FORMS)
@pytest.mark.parametrize(("file", "variables"), CASES)
def test_values_at_50_digits(form, file, variables, tmp_path, monkeypatch):
    made = {"torch": torch.tensor, "jax": jnp.asarray}[form]
    monkeypatch.setitem(PHI, form, [
        lambda s, order=order: made(benchmark.any_phi(order)(s.detach() if form == "torch" else s))
        for order in (0, 1)
    ])  # fmt: skip
    code = module(form, file, variables, tmp_path)
    names, given = arguments(form, getattr(code, file), file, made)
    alone, values = of_variables(getattr(code, file), names, given, variables)
    forward, _ = benchmark.read(file, variables.split(",")[0])
    places = tuple(p for p in forward.quantity.parameters if isinstance(p, Index))
    shape = [benchmark.SIZES[index.dimension.name] for index in places]
    delta = np.random.default_rng(2).standard_normal(shape) if shape else np.array(1.0)
    lists = {name: value.tolist() for name, value in numbers(file).items()}
    lists["delta'"] = delta.tolist()
    value, *slopes = pulled_back(form, alone, delta, values)
    expected = digits.table(forward.quantity.body, lists, at=places, sizes=benchmark.SIZES)
    said = {"statement": "derive", "oracle": "50 digits", "ulp": 64}
    compare.check(value, expected, case=f"{form} {file}", **said)
    for by, slope in zip(variables.split(","), slopes, strict=True):
        derived = found(file, by)
        statement = derived.further[0] if shape else derived.result
        compare.check(slope, exact(statement, lists), case=f"{form} {file} by {by}", **said)


@pytest.mark.parametrize("form", drop_in.FORMS)
@pytest.mark.parametrize(("file", "by"), TWICE)
def test_second_derivatives_at_50_digits(form, file, by, tmp_path):
    made = {"torch": torch.tensor, "jax": jnp.asarray}[form]
    code = module(form, file, by, tmp_path)
    names, given = arguments(form, getattr(code, file), file, made)
    alone, (value,) = of_variables(getattr(code, file), names, given, by)
    if form == "jax":
        second = jax.jacrev(jax.jacrev(alone))(value)
        compare.check(np.asarray(jax.jacfwd(jax.jacrev(alone))(value)), np.asarray(second).tolist(),
                      statement="derive", oracle="JAX", case=f"{file} {by}", ulp=256)  # fmt: skip
    else:
        jacobian = torch.autograd.functional.jacobian
        slope = functools.partial(jacobian, alone, create_graph=True)
        second = jacobian(slope, value)
    lists = {name: value.tolist() for name, value in numbers(file).items()}
    expected = exact(benchmark.found(file, by, by).result, lists)
    compare.check(np.asarray(second), expected, statement="derive", oracle="50 digits",
                  case=f"{form} {file} {by} {by}", ulp=64)  # fmt: skip
