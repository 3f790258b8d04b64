"""The block of a transformer as PyTorch differentiates it: every gradient."""

import compare
import numpy as np
import torch
import torch.nn.functional as F

from reference_impl import transformer
from reference_impl.backpropagation import backpropagate
from reference_impl.nll import NLL

WORDS = transformer.words()
LAYERS = transformer.network(WORDS.mask, n=8, hidden=12, seed=3)


def leaves(gradients):
    """The gradients in the order of the layers, by position and name."""
    return {f"{k}.{name}": g for k, part in enumerate(gradients) for name, g in part.items()}


def theirs(theta):
    """The cost in PyTorch's own functions."""
    seen = torch.tensor(WORDS.mask) > 0
    z = torch.tensor(WORDS.X) @ theta["0.W"].T

    def norm(z, name):
        return F.layer_norm(z, z.shape[-1:], theta[f"{name}.gain"], theta[f"{name}.bias"])

    q, k, v = (norm(z, "1.1.0") @ theta[f"1.1.1.{name}"].T for name in "QKV")
    z = z + F.scaled_dot_product_attention(q, k, v, attn_mask=seen) @ theta["1.1.2.W"].T
    up = F.gelu(F.linear(norm(z, "2.1.0"), theta["2.1.1.W"], theta["2.1.1.b"]))
    z = z + F.linear(up, theta["2.1.3.W"], theta["2.1.3.b"])
    logits = F.linear(norm(z, "3"), theta["4.W"], theta["4.b"])
    return F.cross_entropy(logits, torch.tensor(WORDS.y), ignore_index=-1, reduction="sum")


def parameters(layer, name=""):
    """The parameters of a layer by position and name, as RULE 3 names them."""
    if hasattr(layer, "layers"):
        for k, inner in enumerate(layer.layers):
            yield from parameters(inner, f"{name}{k}.")
    else:
        for key in ("W", "b", "Q", "K", "V", "gain", "bias"):
            if getattr(layer, key, None) is not None:
                yield name + key, getattr(layer, key)


def test_every_gradient():
    theta = {
        name: torch.tensor(np.array(value), requires_grad=True)
        for name, value in parameters(LAYERS)
    }
    cost = theirs(theta)
    cost.backward()
    found = backpropagate([*LAYERS.layers, NLL(WORDS.y, ignore_index=-1)], WORDS.X)
    compare.check(found.cost, cost.item(), statement="nll.forward", oracle="PyTorch",
                  case="transformer", ulp=64)  # fmt: skip
    ours = leaves(found.gradients)
    assert ours.keys() == theta.keys() and len(ours) == 17
    for name, gradient in ours.items():
        compare.check(gradient, theta[name].grad.numpy().tolist(),
                      statement="backpropagation.deltas", oracle="PyTorch",
                      case=f"transformer, {name}", ulp=1024)  # fmt: skip
