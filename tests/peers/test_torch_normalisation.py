"""Layer norm, RMS norm and batch norm as PyTorch has them: the same rules, eps, and N."""

import compare
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from designs import eighths

from reference_impl.normalisation import BatchNorm, FixedBatchNorm, LayerNorm, RMSNorm

RNG = np.random.default_rng(17)
Z, DELTA = eighths(RNG, 5, 4), eighths(RNG, 5, 4)
GAIN, BIAS, MEAN = eighths(RNG, 4), eighths(RNG, 4), eighths(RNG, 4)
VARIANCE = np.abs(eighths(RNG, 4))
EPS = 1e-3


def tensor(array, leaf=False):
    return torch.tensor(np.asarray(array), dtype=torch.float64, requires_grad=leaf)


LAYERS = {
    "layer_norm": (
        LayerNorm(GAIN, BIAS, EPS),
        lambda z, gain, bias: F.layer_norm(z, (4,), gain, bias, EPS),
    ),
    "rms_norm": (RMSNorm(GAIN, EPS), lambda z, gain, bias: F.rms_norm(z, (4,), gain, EPS)),
    "batch_norm": (
        BatchNorm(GAIN, BIAS, EPS),
        lambda z, gain, bias: F.batch_norm(z, None, None, gain, bias, training=True, eps=EPS),
    ),
    "batch_norm_inference": (
        FixedBatchNorm(MEAN, VARIANCE, GAIN, BIAS, EPS),
        lambda z, gain, bias: F.batch_norm(z, tensor(MEAN), tensor(VARIANCE), gain, bias, eps=EPS),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    layer, peer = LAYERS[name]
    z, gain, bias = tensor(Z, True), tensor(GAIN, True), tensor(BIAS, True)
    output = peer(z, gain, bias)
    output.backward(tensor(DELTA))
    theirs = {"forward": output, "backward": z.grad, "gain": gain.grad, "bias": bias.grad}
    ours = {"forward": layer.forward(Z), "backward": layer.backward(Z, DELTA)}
    ours |= layer.parameter_gradient(Z, DELTA)
    assert set(theirs) - set(ours) == ({"bias"} if name == "rms_norm" else set())
    for rule, actual in ours.items():
        rule_3 = rule in ("gain", "bias")
        compare.check(actual, theirs[rule].detach().numpy().tolist(), oracle="PyTorch", ulp=64,
                      statement=f"normalisation.{name}_{'parameter_gradient' if rule_3 else rule}",
                      case=rule)  # fmt: skip


def test_running_variance_is_divided_by_the_count_less_one():
    kept = tensor(np.zeros(4))
    F.batch_norm(tensor(Z), tensor(np.zeros(4)), kept, training=True, momentum=1.0)
    compare.check(kept.numpy(), Z.var(axis=0, ddof=1), statement="normalisation.batch_norm_forward",
                  oracle="PyTorch", case="running variance", ulp=64)  # fmt: skip
