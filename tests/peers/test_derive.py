"""Code of derived formulas against automatic differentiation of the same forward passes."""

import importlib.util
from pathlib import Path

import compare
import numpy as np
import pytest
import torch
from torch.nn import functional

from derivations import forward_pass
from derivations.derive import derive
from derivations.prints.numpy_code import numpy_code

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "forward_passes"
N, K, M, n = 5, 3, 4, 6


def temperature(W, X, Y, tau):
    return -(Y * functional.log_softmax(X @ W.T / tau, dim=1)).sum()


def label_smoothing(W, X, Y, alpha):
    smooth = (1 - alpha) * Y + alpha / Y.shape[1]
    return -(smooth * functional.log_softmax(X @ W.T, dim=1)).sum()


def focal(w, X, y, gamma):
    p = torch.sigmoid(X @ w)
    one = y * (1 - p) ** gamma * torch.log(p)
    return -(one + (1 - y) * p**gamma * torch.log(1 - p)).sum()


def poisson(w, X, y):
    return functional.poisson_nll_loss(X @ w, y, log_input=True, reduction="sum")


def cauchy(w, X, y, c):
    return c**2 / 2 * torch.log(1 + ((X @ w - y) / c) ** 2).sum()


def layer_norm(z, epsilon):
    return functional.layer_norm(z, z.shape, eps=float(epsilon))


CASES = [
    (temperature, "W"),
    (temperature, "tau"),
    (label_smoothing, "W"),
    (focal, "w"),
    (poisson, "w"),
    (cauchy, "w"),
    (layer_norm, "z"),
]


def numbers():
    source = np.random.default_rng(0)
    return {
        "W": source.standard_normal((K, n)),
        "w": source.standard_normal(n),
        "X": source.standard_normal((N, n)),
        "Y": np.eye(K)[source.integers(K, size=N)],
        "y": source.integers(2, size=N).astype(float),
        "z": source.standard_normal(M),
        "tau": np.array(1.7),
        "alpha": np.array(0.1),
        "gamma": np.array(2.5),
        "c": np.array(1.3),
        "epsilon": np.array(1e-3),
    }


@pytest.mark.parametrize(("peer", "by"), CASES, ids=lambda c: getattr(c, "__name__", c))
def test_code_agrees_with_automatic_differentiation(peer, by, tmp_path):
    forward = forward_pass.read(FOLDER / f"{peer.__name__}.py")
    found = derive(forward.quantity, forward.variable(by), given=forward.given)
    code = numpy_code(found.result, "ours")
    path = tmp_path / "ours.py"
    path.write_text(code)
    specification = importlib.util.spec_from_file_location("ours", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    values = numbers()

    def wanted(function):
        return function.__code__.co_varnames[: function.__code__.co_argcount]

    ours = module.ours(*(values[name] for name in wanted(module.ours)))
    arguments = {name: torch.tensor(values[name]) for name in wanted(peer)}
    theirs = torch.autograd.functional.jacobian(
        lambda value: peer(**{**arguments, by: value}), arguments[by]
    )
    case = f"{peer.__name__} by {by}"
    compare.check(ours, theirs.tolist(), statement="derive", oracle="PyTorch", case=case, ulp=256)
