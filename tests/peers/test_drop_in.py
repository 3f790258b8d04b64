"""Derived derivatives as functions of PyTorch and JAX: their own checks, and 50 digits."""

import doctest
import functools
import inspect
import re
import sys

import compare
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jax.test_util import check_grads
from mpmath import mp

import derivations
from benchmarks import derive as benchmark
from derivations import forward_pass
from derivations.__main__ import main
from derivations.language.terms import Array, Function, Index
from derivations.prints import codegen, drop_in, numpy_code
from derivations.proof import digits

sys.path.insert(0, str(benchmark.ROOT / "tests" / "prints"))

import generated
import test_numpy_code as synthetic

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


@pytest.fixture(autouse=True)
def evidence_apart(monkeypatch):
    """Errors of generated code are no evidence about the implementation."""
    monkeypatch.setattr(compare, "EVIDENCE", compare.Evidence())


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
    check_grads(jax.jit(alone), values, order=2, modes=["rev"])
    singles = [jnp.float32(g) if isinstance(g, jax.Array) else g for g in given]
    single, small = of_variables(getattr(code, file), names, singles, variables)
    result, slopes = jax.value_and_grad(lambda *v: single(*v).sum(), (*range(len(small)),))(*small)
    assert result.dtype == jnp.float32
    assert all(slope.dtype == jnp.float32 for slope in slopes)


def delta_of(quantity):
    """A delta at each entry of a layer; at a number, 1."""
    shape = [benchmark.SIZES[dimension.name] for dimension in quantity.dimensions]
    return np.random.default_rng(2).standard_normal(shape) if shape else np.array(1.0)


@functools.cache
def exact(file, by="", twice=""):
    """The quantity, what a delta becomes at a variable, or a second derivative, at 50 digits."""
    lists = {name: value.tolist() for name, value in numbers(file).items()}
    quantity = quantity_of(file)
    if not by:
        at = tuple(p for p in quantity.parameters if isinstance(p, Index))
        return digits.table(quantity.body, lists, at=at, sizes=benchmark.SIZES)
    derived = benchmark.found(file, by, twice) if twice else found(file, by)
    layer = bool(quantity.dimensions) and not twice
    (chain,) = (derived.further[0] if layer else derived.result).chains
    lists["delta'"] = delta_of(quantity).tolist()
    return digits.table(chain.left, lists, at=chain.at, sizes=benchmark.SIZES)


def quantity_of(file):
    path = benchmark.ROOT / "docs" / "forward_passes" / f"{file}.py"
    return forward_pass.read(path).quantity


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
    value, *slopes = pulled_back(form, alone, delta_of(quantity_of(file)), values)
    said = {"statement": "derive", "oracle": "50 digits", "ulp": 64}
    compare.check(value, exact(file), case=f"{form} {file}", **said)
    for by, slope in zip(variables.split(","), slopes, strict=True):
        compare.check(slope, exact(file, by), case=f"{form} {file} by {by}", **said)


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
    compare.check(np.asarray(second), exact(file, by, by), statement="derive", oracle="50 digits",
                  case=f"{form} {file} {by} {by}", ulp=64)  # fmt: skip


def test_the_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    page = benchmark.ROOT / "docs" / "derive.md"
    text = page.read_text(encoding="utf-8")
    monkeypatch.chdir(benchmark.ROOT)
    for line in re.findall(r"^\$ python -m derivations (derive .* > \w+\.py)$", text, re.MULTILINE):
        command, _, name = line.partition(" > ")
        assert main(command.split()) == 0
        (tmp_path / name).write_text(capsys.readouterr().out, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    (block,) = re.findall(r"^```pycon\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    example = doctest.DocTestParser().get_doctest(block, {}, page.name, str(page), 0)
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert (runner.run(example, out=said.append).failed, "".join(said)) == (0, "")


def test_a_batch_by_vmap(tmp_path):
    code = module("torch", "layer_norm", "z", tmp_path)
    z = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z.requires_grad_()
    rows = torch.vmap(lambda row: code.layer_norm(row, 1e-5))
    assert torch.autograd.gradcheck(rows, z) and torch.autograd.gradgradcheck(rows, z)
    theirs = torch.nn.functional.layer_norm(z, (4,), eps=1e-5)
    compare.check(rows(z).detach().numpy(), theirs.tolist(), statement="derive", oracle="PyTorch",
                  case="layer_norm, a batch", ulp=64)  # fmt: skip
    code = module("jax", "layer_norm", "z", tmp_path)
    ours = jax.vmap(code.layer_norm, (0, None))(jnp.asarray(z.detach()), 1e-5)
    compare.check(np.asarray(ours), theirs.tolist(), statement="derive", oracle="PyTorch",
                  case="layer_norm, a batch in JAX", ulp=64)  # fmt: skip


def test_no_derivative_that_was_not_asked_for(tmp_path):
    said = "temperature: derived by W, not by X, Y, tau"
    given = [numbers("temperature")[name] for name in ("W", "X", "Y")]
    code = module("torch", "temperature", "W", tmp_path)
    W, X, Y = (torch.tensor(value).requires_grad_() for value in given)
    with pytest.raises(NotImplementedError, match=said):
        code.temperature(W, X, Y, 1.7).backward()
    code.temperature(W, X.detach(), Y.detach(), 1.7).backward()
    code = module("jax", "temperature", "W", tmp_path)
    with pytest.raises(NotImplementedError, match=said):
        jax.grad(code.temperature, argnums=(0, 1))(*map(jnp.asarray, given), 1.7)


@pytest.mark.parametrize("form", drop_in.FORMS)
def test_a_wrong_derivative_is_seen(form, tmp_path):
    source = drop_in.drop_in(form, [(found("poisson", "w").result, "")], "poisson")
    path = tmp_path / "poisson.py"
    path.write_text(source.replace("mu - y)", "mu + y)"), encoding="utf-8")
    names, given = arguments(form, function := forward_pass.run(path).poisson, "poisson",
                             {"torch": torch.tensor, "jax": jnp.asarray}[form])  # fmt: skip
    alone, (w,) = of_variables(function, names, given, "w")
    if form == "torch":
        with pytest.raises(RuntimeError, match="Jacobian mismatch"):
            torch.autograd.gradcheck(alone, w.requires_grad_())
    else:
        with pytest.raises(AssertionError):
            check_grads(alone, (w,), order=1, modes=["rev"])


LAYERS = [
    ("activations.sigmoid_backward", torch.sigmoid),
    ("activations.tanh_backward", torch.tanh),
    ("activations.softplus_backward", torch.nn.functional.softplus),
    ("activations.softmax_backward", functools.partial(torch.softmax, dim=-1)),
    ("log_softmax.backward", functools.partial(torch.log_softmax, dim=-1)),
]


@pytest.mark.parametrize(("name", "theirs"), LAYERS, ids=[name for name, _ in LAYERS])
def test_layers_of_the_statements(name, theirs, tmp_path):
    statement = derivations.statements()[name]
    called = drop_in.called(name)
    z = numbers("silu")["z"]
    for form in drop_in.FORMS:
        path = tmp_path / f"{form}.py"
        path.write_text(drop_in.drop_in(form, [(statement, "")], called), encoding="utf-8")
        code = vars(forward_pass.run(path))
        layer = code[called if called in code else f"{called}_function"]
        if form == "torch":
            value = torch.tensor(z, requires_grad=True)
            assert torch.autograd.gradcheck(layer, value)
            assert torch.autograd.gradgradcheck(layer, value)
        else:
            check_grads(layer, (jnp.asarray(z),), order=2, modes=["rev"])
        result = layer(torch.tensor(z) if form == "torch" else jnp.asarray(z))
        compare.check(np.asarray(result), theirs(torch.tensor(z)).tolist(), statement=name,
                      oracle="PyTorch", case=form, ulp=64)  # fmt: skip


@pytest.mark.parametrize("z", [-40.0, -2.0, 2.0, 37.0, 40.0])
@pytest.mark.parametrize("form", drop_in.FORMS)
def test_tails_of_the_normal(form, z, tmp_path):
    """The probit where density and probability underflow: value, slope and curvature."""
    statement = derivations.statements()["regression.probit_gradient"]
    path = tmp_path / f"{form}.py"
    path.write_text(drop_in.drop_in(form, [(statement, "")], "probit"), encoding="utf-8")
    probit = forward_pass.run(path).probit
    if form == "torch":
        one = torch.ones(1, dtype=torch.float64)
        w = (z * one).requires_grad_()
        value = probit(w, one[:, None], one)
        (slope,) = torch.autograd.grad(value, w, create_graph=True)
        (curvature,) = torch.autograd.grad(slope, w)
        computed = value.item(), slope.item(), curvature.item()
    else:

        def alone(w):
            one = jnp.ones(1)
            return probit(w * one, one[:, None], one)

        slope = jax.grad(alone)
        computed = float(alone(z)), float(slope(z)), float(jax.grad(slope)(z))
    with mp.workdps(600):
        m = mp.npdf(z) / mp.ncdf(z)
        exact = -mp.log(mp.ncdf(z)), -m, m * (m + z)
        units = [abs(value) if abs(value) > np.finfo(float).tiny else 1 for value in exact]
        computed, exact = (np.array(v, dtype=object) / units for v in (computed, exact))
    compare.agree(computed, exact, digits=12)


@pytest.mark.parametrize("form", drop_in.FORMS)
@pytest.mark.parametrize("case", synthetic.SYNTHETIC)
def test_lines_in_the_words_of_the_library(form, case, tmp_path):
    """What no forward pass may happen to need, beside what NumPy computes."""
    right, at = synthetic.SYNTHETIC[case]
    line = codegen.Line(right, at, "line")
    shown, arrays, _ = generated.line_case(line, generated.SIZES["apart"])
    wanted = codegen.line_arguments(line)
    functions = {"numpy": (np.cos, np.sin), "torch": (torch.cos, torch.sin),
                 "jax": (jnp.cos, jnp.sin)}  # fmt: skip

    def computed(kind, library, made, imports):
        source = numpy_code.line_code(line, "", library=library)
        path = tmp_path / f"{kind}.py"
        path.write_text(
            "\n\n".join([imports, *codegen.with_helpers([source], library.helpers)]),
            encoding="utf-8",
        )
        given = [functions[kind][w.order > 0] if isinstance(w, Function)
                 else made(generated.argument(w, arrays, shown)) if isinstance(w, Array)
                 else generated.argument(w, arrays, shown) for w in wanted]  # fmt: skip
        return np.asarray(forward_pass.run(path).line(*given), dtype=float)

    library, made, imports = {
        "torch": (drop_in.TORCH, torch.tensor, "import math\nimport torch"),
        "jax": (drop_in.JAX, jnp.asarray, "import jax\nimport jax.numpy as jnp"),
    }[form]
    theirs = computed(form, library, made, imports)
    ours = computed("numpy", numpy_code.NUMPY, np.asarray, "import math\nimport numpy as np")
    compare.check(theirs, ours.tolist(), statement="derive", oracle="NumPy", case=case, ulp=64)
