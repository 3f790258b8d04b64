"""One thread of BLAS and no floating-point warnings, whatever the caller has set."""

import operator
import subprocess
import sys
import threading
from functools import partial

import compare
import numpy as np
import pytest
import threadpoolctl
from scipy import linalg

from reference_impl import (
    conventions,
    identification,
    logistic,
    low_precision,
    sigmoid,
    softmax,
    targets,
)
from reference_impl.activations import Tanh
from reference_impl.attention import Attention
from reference_impl.backpropagation import backpropagate
from reference_impl.engine import (
    compiled,
    estimation,
    inference,
    logistic as engine_logistic,
    minimisation,
    separation,
    softmax as engine_softmax,
    streaming,
)
from reference_impl.gates import TANH_GELU
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL
from reference_impl.normalisation import LayerNorm
from reference_impl.quiet import BUFFER, quiet, room, short_buffer

RNG = np.random.default_rng(0)
N, n, K = 400, 30, 4
X, y = RNG.normal(size=(N, n)), RNG.integers(0, 2, N)
w, W = RNG.normal(size=n), RNG.normal(size=(K, n))
H, EXACT = 2 * np.eye(n), low_precision.Arithmetic(low_precision.BF16)
stack = [Linear(W), Tanh(), LogSoftmax(), NLL(y)]

CALLS = {
    **{
        f"{module.__name__}.{name}": partial(getattr(module, name), point, X, y)
        for pair in ((logistic, softmax), (engine_logistic, engine_softmax))
        for module, point in zip(pair, (w, W), strict=True)
        for name in ("nll", "nll_gradient", "nll_and_gradient", "nll_hessian")
    },
    "low precision": lambda: low_precision.linear_cross_entropy(X, W, y, EXACT),
    "separation": lambda: separation.binary(X, y),
    "Newton's method": lambda: minimisation.newton(lambda v: (v @ v, 2 * v), lambda v: H, w),
    "newton": lambda: estimation.newton(X, y, penalty=1.0),
    "by blocks": lambda: streaming.total(logistic.nll, w, streaming.Blocks(X, y, rows=100)),
    "multinomial": lambda: estimation.multinomial(X, y, K, penalty=1.0),
    "few rows, many classes": lambda: softmax.nll_gradient(np.ones((200, 5)), X[:, :5], y),
    "two threads": lambda: engine_logistic.nll(w, np.tile(X, (20, 1)), np.tile(y, 20), threads=2),
    "backpropagate": lambda: backpropagate(stack, X),
    "backward": lambda: Linear(W).backward(X, X[:, :K]),
}


def blas_threads():
    return [i["num_threads"] for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas"]


@pytest.mark.parametrize("call", CALLS)
def test_no_thread_is_started(call, monkeypatch):
    """Every product of matrices that is looked at runs while BLAS is held to one thread."""
    monkeypatch.setattr(compiled, "loops", lambda dtype: None)  # which use no BLAS
    seen = []

    def looking(look):
        def looked(*arguments, **keywords):
            if np.size(arguments[0]) >= n:
                seen.extend(blas_threads())
            return look(*arguments, **keywords)

        return looked

    for module, name in ((np, "exp"), (separation, "linprog"), (linalg, "cho_factor")):
        monkeypatch.setattr(module, name, looking(getattr(module, name)))
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        CALLS[call]()
        assert blas_threads() == before
    assert set(seen) <= {1}
    assert seen or call == "backward"  # which has no exponential


def test_two_threads_at_a_time():
    """While one holds BLAS another may come and go; in the end it is as it was."""
    entered, leave = threading.Event(), threading.Event()

    @quiet
    def first():
        entered.set()
        leave.wait(10)

    held = quiet(blas_threads)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        thread = threading.Thread(target=first)
        thread.start()
        entered.wait(10)
        assert set(held()) == {1}
        assert set(blas_threads()) == {1}
        leave.set()
        thread.join()
        assert set(blas_threads()) == {2}
        assert set(held()) == {1}
        assert set(blas_threads()) == {2}


def test_a_library_that_is_loaded_later():
    """SciPy brings a BLAS of its own, which may come after the first call."""
    script = (
        "import threadpoolctl\n"
        "from reference_impl import logistic\n"
        "from reference_impl.quiet import quiet\n"
        "logistic.nll([1.0], [[1.0]], [0])\n"
        "import scipy.linalg\n"
        "with threadpoolctl.threadpool_limits(2, user_api='blas'):\n"
        "    found = quiet(threadpoolctl.threadpool_info)()\n"
        "assert {i['num_threads'] for i in found if i['user_api'] == 'blas'} == {1}, found\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_error_lets_go():
    @quiet
    def fails(X):
        raise ValueError("for this test")

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        with pytest.raises(ValueError, match="for this test"):
            fails(X)
        assert set(blas_threads()) == {2}


FEW = np.array([[1.0, 1e-4], [1.0, -2e-4], [1.0, 3e-4], [1.0, 0.0]]), np.array([1, 0, 0, 1])
FAR = np.array([[-800.0, 0.0, 700.0], [0.0, -750.0, -1e308]])
EXTREME = {
    "sigmoid": lambda: sigmoid.sigmoid(FAR),
    "log_sigmoid": lambda: sigmoid.log_sigmoid(FAR),
    "softplus": lambda: sigmoid.softplus(FAR),
    "binary losses": lambda: sigmoid.losses(FAR[0], [0, 1, 0]),
    "binary residuals": lambda: sigmoid.residuals(FAR[0], [0, 1, 0]),
    "softmax": lambda: softmax.softmax(FAR),
    "log_softmax": lambda: softmax.log_softmax(FAR),
    "logsumexp": lambda: softmax.logsumexp(FAR),
    "losses": lambda: softmax.losses(FAR, [0, 1]),
    "residuals": lambda: softmax.residuals(FAR, [0, 1]),
    "backward": lambda: LogSoftmax().backward(FAR, np.full((2, 3), 1e-300)),
    "jacobian": lambda: LogSoftmax().jacobian(FAR),
    "tanh": lambda: Tanh().backward(FAR, np.full((2, 3), 1e-300)),
    "nll": lambda: logistic.nll([1.0, 1.0, 0.0], FAR, [0, 1]),
    "gradient": lambda: softmax.nll_gradient(np.eye(3), FAR[:1], [0]),
    "hessian": lambda: logistic.nll_hessian([1.0, 1.0, 0.0], FAR[:1], [0]),
    "engine": lambda: engine_logistic.nll_hessian([1.0, 1.0, 0.0], FAR[:1], [0]),
    "cost": lambda: backpropagate([Linear(np.eye(3)), LogSoftmax(), NLL([0])], FAR[:1]).deltas[0],
    "gate": lambda: TANH_GELU.backward(FAR, np.full((2, 3), 1e-300)),
    "layer norm": lambda: LayerNorm(np.ones(3), np.zeros(3)).backward(FAR[:1], 1e-300 * FAR[:1]),
    "attention": lambda: Attention(np.ones((2, 2))).forward(FAR[:, :1], [[1.0], [-1.0]], FAR),
    "attention back": lambda: (
        Attention([[1, 1]]).backward([[800]], [[1], [-1]], [[1], [2]], [[1]]).keys
    ),
    "temperature": lambda: targets.temperature(FAR, np.eye(3)[:2], 2.0),
    "distillation": lambda: targets.distillation(FAR, FAR[::-1], 2.0),
    "label smoothing": lambda: targets.label_smoothing(FAR, np.eye(3)[:2], [1e-300] * 3, 0.1),
    "weighted mean": lambda: targets.weighted_mean(FAR, np.eye(3)[:2], [1e-300, 1.0]),
    "mean of weights": lambda: conventions.weighted_mean([1e-320, 1e300]),
    "focal loss": lambda: targets.focal_loss(FAR, np.eye(3)[:2], 2.0),
    "many labels": lambda: targets.many_labels_gradient(FAR, np.eye(3)[:2], [1e-300] * 3),
    "masked": lambda: targets.masked_log_softmax(FAR, np.ones((2, 3)), 1e-300 * np.ones((2, 3))),
    "translation": lambda: identification.translation([[5e-324], [1e308]], [5e-324]),
    "sum to zero": lambda: identification.sum_to_zero([[1e-320, 1e308], [5e-324, 1e308]]),
    "reference class": lambda: identification.reference_class([[5e-324], [1e308]]),
    "decode": lambda: identification.decode([[1e-300], [1.0]], [[1e-20]]),
    "coded gradient": lambda: identification.code_gradient([[1e-300], [1.0]], [[1e-20], [0.0]]),
    "coded Hessian": lambda: identification.code_hessian([[1e-300], [1.0]], [[[[1e-20], [1]]]] * 2),
    "odds ratios": lambda: np.stack(inference.odds_ratios(estimation.newton(FEW[0], FEW[1]))),
    "covariance": lambda: estimation.newton(FEW[0] / 1e150, FEW[1], penalty=1e-300).covariance,
    "fit": lambda: estimation.newton([[1.0, 900.0], [1.0, -900.0]], [0, 1], penalty=1e-3).w,
}


@pytest.mark.parametrize("call", EXTREME)
def test_the_callers_errstate_changes_nothing(call):
    with np.errstate(all="ignore"):
        expected = EXTREME[call]()
    with np.errstate(all="raise"):
        compare.same(EXTREME[call](), expected)


def test_results_are_handed_on():
    """As they are: no copy, and whatever they are."""
    given = tuple(np.array([k / 3]) for k in range(40))
    assert all(map(operator.is_, quiet(lambda: given)(), given))


def test_room():
    for shape in ((), (3,), (5, 7), (64, 256)):
        for _ in range(10):
            array = room(shape)
            assert array.shape == shape and array.ctypes.data % 64 == 0
            assert array.flags.c_contiguous and array.flags.writeable


def test_short_buffer():
    """It ends with the block, also by an error, and changes no result."""
    before, column = np.getbufsize(), X[:, :1]
    long = X - column, np.exp(X) * X[0]
    with pytest.raises(KeyError), short_buffer():
        assert np.getbufsize() == BUFFER
        compare.same(X - column, long[0])
        compare.same(np.exp(X) * X[0], long[1])
        raise KeyError
    assert np.getbufsize() == before
