"""Costs of logits as PyTorch has them, summed over the rows."""

import compare
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from designs import eighths

from reference_impl import targets

RNG = np.random.default_rng(23)
Z, TEACHER, WEIGHT = eighths(RNG, 5, 4), eighths(RNG, 5, 4), np.abs(eighths(RNG, 4))
Y = np.array([0, 3, 1, 1, 3])
HOT, MANY = np.eye(4)[Y], (eighths(RNG, 5, 4) > 0).astype(float)
TAU = 1.5


def tensor(array):
    return torch.tensor(array, dtype=torch.float64)


CASES = {
    "temperature": (
        targets.temperature(Z, HOT, TAU),
        lambda z: F.cross_entropy(z / TAU, torch.tensor(Y), reduction="sum"),
    ),
    "distillation": (
        targets.distillation(Z, TEACHER, TAU),
        lambda z: F.kl_div(torch.log_softmax(z / TAU, 1), torch.softmax(tensor(TEACHER) / TAU, 1),
                           reduction="sum"),
    ),
    "label_smoothing": (
        targets.label_smoothing(Z, HOT, WEIGHT, 0.25),
        lambda z: F.cross_entropy(z, torch.tensor(Y), tensor(WEIGHT), reduction="sum",
                                  label_smoothing=0.25),
    ),
    "weighted_mean": (
        targets.weighted_mean(Z, HOT, WEIGHT[Y]),
        lambda z: F.cross_entropy(z, torch.tensor(Y), tensor(WEIGHT)),
    ),
    "many_labels_gradient": (
        targets.many_labels_gradient(Z, MANY, WEIGHT),
        lambda z: F.binary_cross_entropy_with_logits(z, tensor(MANY), reduction="sum",
                                                     pos_weight=tensor(WEIGHT)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_gradient(name):
    ours, cost = CASES[name]
    z = tensor(Z).requires_grad_()
    cost(z).backward()
    compare.check(ours, z.grad.numpy().tolist(), statement=f"targets.{name}", oracle="PyTorch",
                  case="sum", ulp=64)  # fmt: skip


def test_the_mean_of_smoothed_labels_divides_by_the_weights_of_the_hard_ones():
    z = tensor(Z).requires_grad_()
    F.cross_entropy(z, torch.tensor(Y), tensor(WEIGHT), label_smoothing=0.25).backward()
    ours = targets.label_smoothing_mean(Z, HOT, WEIGHT, 0.25)
    compare.check(ours, z.grad.numpy().tolist(), statement="targets.label_smoothing_mean",
                  oracle="PyTorch", case="mean", ulp=64)  # fmt: skip


def test_the_mean_of_weighted_classes_leaves_out_what_is_ignored():
    z, labels = tensor(Z).requires_grad_(), torch.tensor(np.where(np.arange(5) == 2, -100, Y))
    F.cross_entropy(z, labels, tensor(WEIGHT)).backward()
    ours = targets.class_weighted_mean(Z, HOT, WEIGHT, (np.arange(5) != 2).astype(float))
    compare.check(ours, z.grad.numpy().tolist(), statement="targets.class_weighted_mean",
                  oracle="PyTorch", case="ignored", ulp=64)  # fmt: skip


def test_a_mean_over_no_row_is_no_number():
    ignored = torch.full((5,), -100)
    assert torch.isnan(F.cross_entropy(tensor(Z), ignored))
    with pytest.raises(ValueError, match="0/0"):
        targets.weighted_mean(Z, HOT, np.zeros(5))


def test_masked_log_softmax():
    """Where a class is not allowed its logit is -inf in PyTorch."""
    mask, delta = np.eye(4)[Y] + np.eye(4)[0] > 0, eighths(RNG, 5, 4)
    z = tensor(Z).requires_grad_()
    rows = torch.log_softmax(z.masked_fill(~torch.tensor(mask), -torch.inf), 1)
    seen = torch.tensor(mask)
    (rows[seen] * tensor(delta)[seen]).sum().backward()
    ours = targets.masked_log_softmax_forward(Z, mask)
    compare.check(ours[mask], rows[seen].detach().numpy().tolist(), oracle="PyTorch", ulp=64,
                  statement="targets.masked_log_softmax_forward", case="forward")  # fmt: skip
    assert np.isneginf(ours[~mask]).all()
    ours = targets.masked_log_softmax(Z, mask, delta)
    compare.check(ours, z.grad.numpy().tolist(), statement="targets.masked_log_softmax",
                  oracle="PyTorch", case="RULE 2", ulp=64)  # fmt: skip
