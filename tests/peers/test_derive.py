"""Code of derived formulas against automatic differentiation of the same forward passes."""

import compare
import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmarks import derive as benchmark


def temperature(W, X, Y, tau):
    return -(Y * functional.log_softmax(X @ W.T / tau, dim=1)).sum()


def label_smoothing(W, X, Y, alpha):
    smooth = (1 - alpha) * Y + alpha / Y.shape[1]
    return -(smooth * functional.log_softmax(X @ W.T, dim=1)).sum()


def focal(w, X, y, gamma):
    p = torch.sigmoid(X @ w)
    one = y * (1 - p) ** gamma * torch.log(p)
    return -(one + (1 - y) * p**gamma * torch.log(1 - p)).sum()


def silu(z):
    return functional.silu(z)


def gelu(z):
    return functional.gelu(z)


def hidden_layer(U, X, b, v, y):
    return ((torch.tanh(X @ U.T + b) @ v - y) ** 2).sum() / 2


def layer_norm(z, epsilon):
    return functional.layer_norm(z, z.shape, eps=float(epsilon))


def attention(q, X, V):
    return functional.softmax(X @ q / len(q) ** 0.5, dim=0) @ V


def poisson(w, X, y):
    return functional.poisson_nll_loss(X @ w, y, log_input=True, reduction="sum")


def cauchy(w, X, y, c):
    return c**2 / 2 * torch.log(1 + ((X @ w - y) / c) ** 2).sum()


PEERS = {f.__name__: f for f in (temperature, label_smoothing, focal, silu, gelu, hidden_layer,
                                 layer_norm, attention, poisson, cauchy)}  # fmt: skip
TWICE = [("temperature", "W"), ("silu", "z"), ("gelu", "z"), ("layer_norm", "z"), ("poisson", "w")]
CASES = [*((*one, "") for one in (*benchmark.PASSES, ("cauchy", "w"))),
         *((file, by, by) for file, by in TWICE)]  # fmt: skip


def numbers():
    return {
        **benchmark.numbers(),
        "c": np.array(1.3),
        "phi": np.tanh,
        "phi_prime": lambda s: 1 / np.cosh(s) ** 2,
    }


def ours(file, by, twice=None):
    return benchmark.our_values(benchmark.found(file, by, twice).result, numbers())


def wanted(function):
    return function.__code__.co_varnames[: function.__code__.co_argcount]


@pytest.mark.parametrize(
    ("file", "by", "twice"), CASES, ids=["-".join(c).strip("-") for c in CASES]
)
def test_code_agrees_with_automatic_differentiation(file, by, twice):
    peer = PEERS[file]
    given = {name: torch.tensor(numbers()[name]) for name in wanted(peer)}

    def quantity(value):
        return peer(**{**given, by: value})

    def slope(value):
        return torch.autograd.functional.jacobian(quantity, value, create_graph=bool(twice))

    theirs = torch.autograd.functional.jacobian(slope, given[by]) if twice else slope(given[by])
    compare.check(ours(file, by, twice or None), theirs.tolist(), statement="derive",
                  oracle="PyTorch", case=f"{file} by {by} {twice}".strip(), ulp=256)  # fmt: skip


@pytest.fixture
def tensorgrad():
    pytest.importorskip("tensorgrad")
    from benchmarks import tensorgrad_passes

    return tensorgrad_passes


def values(tensorgrad, file, by, *activation):
    derivative = tensorgrad.derivative(
        tensorgrad.FORWARD[file](*activation), tensorgrad.VARIABLES[by]
    )
    sizes = benchmark.SIZES.values()
    return tensorgrad.values(derivative, tensorgrad.axes(file, by), numbers(), sizes)


@pytest.mark.parametrize(("file", "by"), benchmark.PASSES)
def test_code_agrees_with_tensorgrad(tensorgrad, file, by):
    activation = [tensorgrad.F.tanh] if file == "hidden_layer" else []
    theirs = values(tensorgrad, file, by, *activation)
    compare.check(ours(file, by), theirs.tolist(), statement="derive", oracle="tensorgrad",
                  case=f"{file} by {by}", ulp=64)  # fmt: skip


def test_what_tensorgrad_says_of_any_activation(tensorgrad):
    """It differentiates one, and has no code for it."""
    derivative = tensorgrad.derivative(tensorgrad.hidden_layer(), tensorgrad.U)
    assert "phi" in tensorgrad.text(derivative.full_simplify())
    with pytest.raises(NotImplementedError, match="No lowering for function 'phi'"):
        values(tensorgrad, "hidden_layer", "U")


def test_its_compiled_call_needs_names(tensorgrad):
    """Why `values` takes the function out of the compiled program."""
    quantity = tensorgrad.silu()
    compiled = tensorgrad.compile_to_callable(quantity)
    with pytest.raises(AttributeError, match="no attribute 'names'"):
        compiled({tensorgrad.z: torch.zeros(4, dtype=torch.float64)})


def test_benchmark(tensorgrad):
    """One derivative by both, as it is stored."""
    row = benchmark.measured("poisson", "w", turns=1)
    assert row["ours"]["level"] == "proved, all sizes, restated"
    assert row["ours"]["text"] == "Σ_i (μ_i - y_i) X_ik"
    assert row["ours"]["characters"] == len(row["ours"]["text"])
    assert row["ours"]["lines"] == 12
    assert "exp(" in row["tensorgrad"]["text"] and row["tensorgrad"]["refused"] is None
    for who, tasks in (("ours", {"derive", "verify"}), ("tensorgrad", {"derive"})):
        assert row[who]["times"].keys() == tasks
        assert all(t["cpu"] > 0 and t["wall"] > 0 for t in row[who]["times"].values())
        assert row[who]["relative_error"] < 1e-14
    assert "poisson by w" in benchmark.line(row)


def test_an_error_is_relative_to_the_largest_entry():
    found = benchmark.relative_error(np.array([[1.0, -4.0], [0.5, 0.0]]), [[1, -4], [0.25, 0]])
    assert found == 0.0625
