"""GELU, SiLU and functions in pieces as PyTorch has them: value, slope, second derivative."""

import compare
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from reference_impl import gates

Z = np.array([[-4.5, -1.5, -0.375], [0.125, 0.875, 3.75]])
LAYERS = {
    "gelu": (gates.GELU, F.gelu),
    "gelu_tanh": (gates.TANH_GELU, lambda z: F.gelu(z, approximate="tanh")),
    "silu": (gates.SILU, F.silu),
    "leaky_relu": (gates.leaky_relu(0.125), lambda z: F.leaky_relu(z, 0.125)),
    "elu": (gates.elu(0.125), lambda z: F.elu(z, 0.125)),
    "softsign": (gates.SOFTSIGN, F.softsign),
    "squared_relu": (gates.SQUARED_RELU, lambda z: F.relu(z) ** 2),
    "hard_tanh": (gates.HARD_TANH, F.hardtanh),
}


def agree(name, rule, ours, theirs):
    compare.check(ours, theirs.detach().numpy().tolist(), statement=f"gates.{name}_{rule}",
                  oracle="PyTorch", case=rule, ulp=64)  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    layer, peer = LAYERS[name]
    z = torch.tensor(Z, requires_grad=True)
    output = peer(z)
    agree(name, "forward", layer.forward(Z), output)
    (slope,) = torch.autograd.grad(output.sum(), z, create_graph=True)
    agree(name, "derivative", layer.derivative(Z), slope)
    if slope.requires_grad:
        (bend,) = torch.autograd.grad(slope.sum(), z, allow_unused=True)
        bend = torch.zeros_like(z) if bend is None else bend
        agree(name, "derivative", layer.second_derivative(Z), bend)


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "squared_relu"])
def test_the_slope_at_a_kink_is_theirs(name):
    layer, peer = LAYERS[name]
    z = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    peer(z).sum().backward()
    agree(name, "derivative", layer.derivative([[0.0, 0.0]]), z.grad)


def test_hard_tanh_has_another_slope_at_its_right_end():
    """Theirs is 0 at both ends, ours that from the left."""
    z = torch.tensor([[-1.0, 1.0]], dtype=torch.float64, requires_grad=True)
    F.hardtanh(z).sum().backward()
    compare.same(z.grad.numpy(), np.array([[0.0, 0.0]]))
    compare.same(gates.HARD_TANH.derivative([[-1.0, 1.0]]), np.array([[0.0, 1.0]]))
