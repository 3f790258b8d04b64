"""Kernels of PyTorch on the CPU, in bfloat16, float16 and float32, within the bounds they declare."""

import functools

import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmarks import kernels
from reference_impl import low_precision
from reference_impl.low_precision import FP32, Arithmetic

torch.set_num_threads(1)

FORMATS = list(kernels.FORMATS)
each_format = pytest.mark.parametrize("dtype", FORMATS, ids=lambda dtype: str(dtype).split(".")[1])
each_case = pytest.mark.parametrize("case", kernels.SMALL, ids=lambda case: case.name)


@functools.cache
def given(case, dtype):
    return case.data(dtype, "cpu")


def logits(case, dtype):
    E, C, y = given(case, dtype)
    return (E.double() @ C.double().T).to(dtype), y


@each_format
@each_case
def test_softmax(case, dtype):
    z, _ = logits(case, dtype)
    bounded = low_precision.softmax(kernels.exact(z), Arithmetic(kernels.FORMATS[dtype]))
    found = torch.softmax(z, 1)
    assert found.dtype == dtype
    assert bounded.used(kernels.exact(found)) <= 1
    assert bounded.used(kernels.exact(1.25 * found)) > 1


@each_format
@each_case
def test_cross_entropy(case, dtype):
    """On the CPU the log-probabilities are stored in the format of the logits."""
    z, y = logits(case, dtype)
    data = kernels.FORMATS[dtype]
    declared = Arithmetic(data, log_p=data, delta=data, loss=data)
    bounds = low_precision.cross_entropy(kernels.exact(z), y.numpy(), declared)
    z.requires_grad_()
    loss = functional.cross_entropy(z, y)
    loss.backward()
    assert loss.dtype == dtype
    assert bounds["loss"].used(kernels.exact(loss.detach())) <= 1
    assert bounds["z"].used(kernels.exact(z.grad)) <= 1


@each_format
@each_case
@pytest.mark.parametrize("kernel", kernels.available("cpu"), ids=lambda kernel: kernel[0])
def test_linear_cross_entropy(case, dtype, kernel):
    E, C, y = given(case, dtype)
    _, run, declared = kernel
    arithmetic = declared(kernels.FORMATS[dtype])
    bounds = low_precision.linear_cross_entropy(
        kernels.exact(E), kernels.exact(C), y.numpy(), arithmetic
    )
    found = kernels.computed(run, E, C, y)
    assert found["E"].dtype == found["C"].dtype == dtype
    for part, bounded in bounds.items():
        assert bounded.used(kernels.exact(found[part])) <= 1, part
        assert bounded.used_likely(kernels.exact(found[part])) <= 1, part


@each_format
def test_a_zero_gradient_passes_a_usual_tolerance_and_not_the_bounds(dtype):
    """An absolute tolerance of 5e-3 for entries of a mean over 128 rows sees nothing."""
    E, C, y = given(kernels.SMALL[0], dtype)
    arithmetic = Arithmetic(kernels.FORMATS[dtype])
    by_C = low_precision.linear_cross_entropy(
        kernels.exact(E), kernels.exact(C), y.numpy(), arithmetic
    )["C"]
    assert np.median(np.abs(by_C.exact)) < 5e-3
    assert by_C.used(np.zeros_like(by_C.exact)) > 10


def test_the_format_that_is_declared_matters():
    """Logits in bfloat16 are not within the bounds of logits in float32."""
    E, C, y = given(kernels.SMALL[0], torch.bfloat16)
    found = kernels.computed(kernels.narrow_logits, E, C, y)
    bounds = low_precision.linear_cross_entropy(
        kernels.exact(E), kernels.exact(C), y.numpy(), Arithmetic(FP32)
    )
    assert bounds["E"].used(kernels.exact(found["E"])) > 1


def test_the_script_tells_each_kernel(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(kernels, "SMALL", (kernels.Case("tiny", 8, 4, 10),))
    monkeypatch.setattr("sys.argv", ["kernels", "--out", str(tmp_path / "kernels.json")])
    kernels.main()
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == 6 and all("zero" in line for line in lines)
    assert (tmp_path / "kernels.json").exists()
