"""Linear maps that share, branches and dropout as PyTorch has them."""

import compare
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from designs import eighths

from reference_impl.activations import Tanh
from reference_impl.attention import Attention
from reference_impl.backpropagation import Chain
from reference_impl.composition import Concatenation, Dropout, residual
from reference_impl.linear import Linear
from reference_impl.maps import Convolution, Embedding, LowRank, Tied
from reference_impl.normalisation import BatchNorm, LayerNorm

RNG = np.random.default_rng(31)
Z, W, B = eighths(RNG, 2, 5, 3), eighths(RNG, 4, 3), eighths(RNG, 4)
KERNEL, TABLE, SYMBOLS = eighths(RNG, 4, 3, 3), eighths(RNG, 6, 3), np.array([[4, 0, 4], [4, 2, 0]])


def tensor(array):
    return torch.tensor(np.array(array), dtype=torch.float64, requires_grad=True)


def agree(statement, case, ours, theirs):
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    compare.check(np.asarray(ours), theirs.tolist(), statement=statement, oracle="PyTorch",
                  case=case, ulp=64)  # fmt: skip


def both(statement, case, layer, given, output, parameters):
    """Outputs, deltas of the input and gradients, from one free delta."""
    delta = eighths(np.random.default_rng(5), *output.shape)
    output.backward(torch.tensor(delta))
    agree(f"{statement}_forward", case, layer.forward(given[0]), output)
    if given[1] is not None:
        agree(f"{statement}_backward", case, layer.backward(given[0], delta), given[1].grad)
    found = layer.parameter_gradient(given[0], delta)
    for name, parameter in parameters.items():
        rule = "backward" if statement.startswith("composition.con") else "parameter_gradient"
        agree(f"{statement}_{rule}", f"{name} {case}", found[name], parameter.grad)


def test_leading_axes():
    z, w, b = tensor(Z), tensor(W), tensor(B)
    both("maps.leading_axes", "", Linear(W, B), (Z, z), F.linear(z, w, b), {"W": w, "b": b})


def test_normalisation_of_sequences():
    """Channels last here, and second in PyTorch's batch norm."""
    gain, bias = tensor(B[:3]), tensor(B[1:])
    z = tensor(Z)
    output = F.layer_norm(z, (3,), gain, bias, eps=0.125)
    both("normalisation.layer_norm", "N x T x M", LayerNorm(B[:3], B[1:], 0.125), (Z, z), output,
         {"gain": gain, "bias": bias})  # fmt: skip
    gain, bias, z = tensor(B[:3]), tensor(B[1:]), tensor(Z)
    output = F.batch_norm(z.mT, None, None, gain, bias, training=True, eps=0.125).mT
    both("normalisation.batch_norm", "N x T x M", BatchNorm(B[:3], B[1:], 0.125), (Z, z), output,
         {"gain": gain, "bias": bias})  # fmt: skip


def test_embedding():
    table = tensor(TABLE)
    output = F.embedding(torch.tensor(SYMBOLS), table)
    both("maps.embedding", "repeated", Embedding(TABLE), (SYMBOLS, None), output, {"W": table})


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_convolution(stride, padding):
    """Channels come before the places in PyTorch, and taps last."""
    z, w, b = tensor(Z), tensor(KERNEL), tensor(B)
    output = F.conv1d(z.mT, w.mT, b, stride=stride, padding=padding).mT
    layer = Convolution(KERNEL, B, stride, padding)
    both("maps.convolution", f"{stride} {padding}", layer, (Z, z), output, {"W": w, "b": b})


def test_the_way_back_is_a_transposed_convolution():
    delta = eighths(RNG, 2, 5, 4)
    back = Convolution(KERNEL, B, padding=1).backward(Z, delta)
    weights = torch.tensor(KERNEL).mT
    agree("maps.convolution_flip", "", back,
          F.conv_transpose1d(torch.tensor(delta).mT, weights, padding=1).mT)  # fmt: skip


def test_low_rank():
    A, thin = eighths(RNG, 2, 3), eighths(RNG, 4, 2)
    z, w, a, b = tensor(Z), tensor(W), tensor(A), tensor(thin)
    output = F.linear(z, w + 1.5 * (b @ a))
    both("maps.low_rank", "", LowRank(W, A, thin, 1.5), (Z, z), output, {"W": w, "A": a, "B": b})


def test_tied():
    table = tensor(TABLE)
    output = torch.tanh(F.embedding(torch.tensor(SYMBOLS), table)) @ table.T
    both("maps.tied", "", Tied(TABLE, Tanh()), (SYMBOLS, None), output, {"W": table})


def test_branches():
    square = eighths(RNG, 3, 3)
    z, w = tensor(Z), tensor(square)
    layer = residual(Chain([Linear(square), Tanh()]))
    output = z + torch.tanh(F.linear(z, w))
    both("composition.residual", "", layer, (Z, z), output, {"1.0.W": w})
    z, w, other = tensor(Z), tensor(square), tensor(W)
    output = torch.cat([torch.tanh(F.linear(z, w)), F.linear(z, other)], dim=-1)
    layer = Concatenation([Chain([Linear(square), Tanh()]), Linear(W)])
    both("composition.concatenation", "", layer, (Z, z), output, {"0.0.W": w, "1.W": other})


def test_dropout():
    """The mask is read off from what PyTorch has drawn."""
    torch.manual_seed(3)
    z = tensor(Z)
    output = F.dropout(z, 0.375)
    layer = Dropout(output.detach().numpy() != 0.0, 0.375)
    both("composition.dropout", "", layer, (Z, z), output, {})


def test_attention_of_heads():
    queries, keys, values = (eighths(RNG, 2, 3, *shape) for shape in [(4, 3), (5, 3), (5, 2)])
    seen, delta = np.tril(np.ones((4, 5), dtype=bool), 1), eighths(RNG, 2, 3, 4, 2)
    given = [tensor(a) for a in (queries, keys, values)]
    output = F.scaled_dot_product_attention(*given, attn_mask=torch.tensor(seen))
    output.backward(torch.tensor(delta))
    found = Attention(seen).backward(queries, keys, values, delta)
    agree("attention.forward", "heads", Attention(seen).forward(queries, keys, values), output)
    for name, theirs in zip(("queries", "keys", "values"), given, strict=True):
        agree("attention.backward", f"heads, {name}", getattr(found, name), theirs.grad)
