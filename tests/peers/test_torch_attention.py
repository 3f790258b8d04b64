"""Attention as PyTorch has it: outputs and gradients, with a mask and with a bias."""

import compare
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from designs import eighths

from reference_impl.attention import Attention

RNG = np.random.default_rng(19)
QUERIES, KEYS, VALUES, DELTA = (eighths(RNG, *shape) for shape in [(4, 3), (5, 3), (5, 2), (4, 2)])
SEEN = np.tril(np.ones((4, 5), dtype=bool), 1)
BIAS = eighths(RNG, 4, 5)
MASKS = {"mask": (SEEN, SEEN), "bias": (np.exp(BIAS), BIAS)}


def agree(rule, case, ours, theirs):
    compare.check(ours, theirs.detach().numpy().tolist(), statement=f"attention.{rule}",
                  oracle="PyTorch", case=case, ulp=64)  # fmt: skip


@pytest.mark.parametrize("name", MASKS)
def test_scaled_dot_product_attention(name):
    ours, theirs = MASKS[name]
    layer = Attention(ours)
    queries, keys, values = (torch.tensor(a, requires_grad=True) for a in (QUERIES, KEYS, VALUES))
    output = F.scaled_dot_product_attention(queries, keys, values, attn_mask=torch.tensor(theirs))
    output.backward(torch.tensor(DELTA))
    agree("forward", name, layer.forward(QUERIES, KEYS, VALUES), output)
    gradients = layer.backward(QUERIES, KEYS, VALUES, DELTA)
    agree("backward", f"{name}, queries", gradients.queries, queries.grad)
    agree("backward", f"{name}, keys", gradients.keys, keys.grad)
    agree("backward", f"{name}, values", gradients.values, values.grad)
