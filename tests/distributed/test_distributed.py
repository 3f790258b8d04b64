"""Sums over chunks on two worker processes: equal to the whole, whoever is killed."""

import functools
import gc
import os
import signal
import sys
import threading
import time

import compare
import dask.array as da
import numpy as np
import pytest
import slow
from dask.distributed import wait

from reference_impl import logistic, softmax
from reference_impl.engine import distributed, estimation, streaming
from reference_impl.engine.fit import Terms
from reference_impl.engine.separation import SeparationError

# Dask leaves some of its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

N, n, K = 1000, 4, 3
RNG = np.random.default_rng(20)
X = RNG.normal(size=(N, n))
w, v = RNG.normal(size=n), RNG.normal(size=n)
W, V = RNG.normal(size=(K, n)), RNG.normal(size=(K, n))
y = (RNG.random(N) < 1 / (1 + np.exp(-X @ w))).astype(np.int64)
classes = RNG.integers(0, K, N)
s = RNG.integers(0, 4, N) / 2

FUNCTIONS = {
    "logistic.nll": (logistic.nll, w, y, ()),
    "logistic.nll_gradient": (logistic.nll_gradient, w, y, ()),
    "logistic.nll_hessian": (logistic.nll_hessian, w, y, ()),
    "logistic.nll_hvp": (logistic.nll_hvp, w, y, (v,)),
    "softmax.nll": (softmax.nll, W, classes, ()),
    "softmax.nll_gradient": (softmax.nll_gradient, W, classes, ()),
    "softmax.nll_hessian": (softmax.nll_hessian, W, classes, ()),
    "softmax.nll_hvp": (softmax.nll_hvp, W, classes, (V,)),
}
CHUNKS = {"even": 250, "one": N, "uneven": (1, 0, 400, 599), "many": 40}


def chunked(chunks, labels=y, weights=None):
    """X in chunks of rows, y and s in others, which are to be cut alike."""
    arrays = [da.from_array(X, chunks=(chunks, n)), da.from_array(labels, chunks=300)]
    return [*arrays, *([] if weights is None else [da.from_array(weights, chunks=170)])]


def test_each_block(client):
    """Its weight and its results, in the order of the rows."""
    blocks = distributed.Blocks(*chunked((400, 600), weights=s))
    functions = logistic.nll, logistic.nll_gradient, logistic.nll_hessian
    found = list(streaming.parts(Terms(1, n).all_three, w, blocks))
    assert len(blocks) == len(found) == 2
    for rows, (weight, *results) in zip((slice(400), slice(400, N)), found, strict=True):
        assert weight == s[rows].sum()
        for function, result in zip(functions, results, strict=True):
            expected = function(w, X[rows], y[rows], sample_weight=s[rows])
            compare.check(result, expected.tolist(), ulp=64, statement="logistic.blocks",
                          oracle="identity", case="Dask, each block")  # fmt: skip


@pytest.mark.parametrize("weights", [None, s], ids=["no weights", "weights"])
@pytest.mark.parametrize("statement", FUNCTIONS)
def test_equal_to_the_whole(client, statement, weights):
    function, point, labels, direction = FUNCTIONS[statement]
    expected = function(point, X, labels, *direction, sample_weight=weights)
    for name, chunks in CHUNKS.items():
        blocks = distributed.Blocks(*chunked(chunks, labels, weights))
        actual = streaming.total(function, point, blocks, *direction)
        compare.check(
            actual,
            expected.tolist(),
            statement=statement,
            oracle="identity",
            case=f"Dask, {name} chunks",
            ulp=64,
        )


def test_value_and_gradient(client):
    blocks = distributed.Blocks(*chunked(250))
    value, gradient = streaming.total(logistic.nll_and_gradient, w, blocks)
    compare.same(value, streaming.total(logistic.nll, w, blocks))
    compare.same(gradient, streaming.total(logistic.nll_gradient, w, blocks))


def test_empty_chunks_are_left_out(client):
    assert len(distributed.Blocks(*chunked(CHUNKS["uneven"]))) == 3
    assert len(distributed.Blocks(*chunked(40))) == 25


def test_persisted_arrays_stay_on_the_workers(client):
    """Also when the blocks are all that is left of them."""
    expected = streaming.total(logistic.nll, w, distributed.Blocks(*chunked(250)))
    arrays = [array.persist() for array in chunked(250)]
    wait(arrays)
    blocks = distributed.Blocks(*arrays)
    del arrays
    gc.collect()
    compare.same(streaming.total(logistic.nll, w, blocks), expected)


def test_chunks_along_the_columns(client):
    across = da.from_array(X, chunks=(250, 1))
    blocks = distributed.Blocks(across, da.from_array(y, chunks=250))
    along = distributed.Blocks(*chunked(250))
    compare.same(
        streaming.total(logistic.nll_gradient, w, blocks),
        streaming.total(logistic.nll_gradient, w, along),
    )


def agree(fit, expected, case):
    for name in ("w", "covariance", "standard_errors"):
        compare.check(
            getattr(fit, name),
            getattr(expected, name).tolist(),
            statement="logistic.newton_step",
            oracle="identity",
            case=f"{case}, {name}",
            ulp=64,
        )


@pytest.mark.parametrize("weights", [None, s], ids=["no weights", "weights"])
@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_newton(client, weights, penalty):
    fit = estimation.newton(distributed.Blocks(*chunked(250, y, weights)), penalty=penalty)
    agree(fit, estimation.newton(X, y, sample_weight=weights, penalty=penalty), "Dask")


@pytest.mark.parametrize("weights", [None, s], ids=["no weights", "weights"])
@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_multinomial(client, weights, penalty):
    fit = estimation.multinomial(
        distributed.Blocks(*chunked(250, classes, weights)), K=K, penalty=penalty, reference=0
    )
    expected = estimation.multinomial(
        X, classes, K, sample_weight=weights, penalty=penalty, reference=0
    )
    agree(fit, expected, "Dask, classes")


def test_more_chunks_than_are_fetched_at_once(client):
    """None is left out of the sum: each counts its rows, and the rows are not alike."""
    blocks = distributed.Blocks(*chunked(5))
    assert len(blocks) == 200
    compare.check(
        streaming.total(logistic.nll_gradient, w, blocks),
        logistic.nll_gradient(w, X, y).tolist(),
        statement="logistic.nll_gradient",
        oracle="identity",
        case="Dask, 200 chunks",
        ulp=64,
    )


def test_multinomial_on_separated_data(client):
    blocks = distributed.Blocks(*chunked(250, (X @ W.T).argmax(axis=1)))
    with pytest.raises(SeparationError, match="completely separated"):
        estimation.multinomial(blocks, K=K)


def test_newton_on_separated_data(client):
    blocks = distributed.Blocks(*chunked(250, (X @ w > 0).astype(np.int64)))
    with pytest.raises(SeparationError) as error:
        estimation.newton(blocks)
    assert (np.where(X @ w > 0, 1, -1) * (X @ error.value.direction)).min() > 0
    assert np.isfinite(estimation.newton(blocks, penalty=1.0).w).all()


# ------------------------------------------------------------------ a worker is killed


def pids(client):
    return sorted(client.run(os.getpid, on_error="ignore").values())  # one may just be dying


def killed_while(compute, ready, pid):
    """What `compute` returns, while a worker is killed as soon as `ready()` says so."""
    results = []
    thread = threading.Thread(target=lambda: results.append(compute()))
    thread.start()
    end = time.monotonic() + 20
    while not ready():
        assert thread.is_alive() and time.monotonic() < end, "it was over before the kill"
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    thread.join(timeout=25)
    (result,) = results
    return result


def test_a_killed_worker_costs_time_not_the_result(client_of_mortals, tmp_path):
    client = client_of_mortals
    blocks = distributed.Blocks(*chunked(50))
    undisturbed = streaming.total(logistic.nll_and_gradient, w, blocks)
    victim, survivor = before = pids(client)
    function = functools.partial(slow.nll_and_gradient, tmp_path)

    def runs(pid):
        return len(list(tmp_path.glob(f"{pid}-*")))

    result = killed_while(
        lambda: streaming.total(function, w, blocks),
        lambda: runs(victim) >= 3 and runs(survivor) >= 3,
        victim,
    )
    for actual, expected in zip(result, undisturbed, strict=True):
        compare.same(actual, expected)
    # Blocks that the victim had finished, and the one that it was at, were done anew.
    assert runs("*") > len(blocks) == 20
    assert victim not in pids(client) and survivor in pids(client) and len(before) == 2


def test_a_fit_with_a_killed_worker(client_of_mortals):
    client = client_of_mortals
    random = da.random.default_rng(3)
    big = random.standard_normal((400_000, n), chunks=(50_000, n)).persist()  # lies on the workers
    coin = (random.random(400_000, chunks=50_000) < 1 / (1 + da.exp(-big @ w))).persist()
    wait([big, coin])
    blocks = distributed.Blocks(big, coin)
    undisturbed = estimation.newton(blocks)
    (address, victim), _ = client.run(os.getpid).items()
    fit = killed_while(
        lambda: estimation.newton(blocks),
        lambda: client.processing().get(address),
        victim,
    )
    compare.same(fit.w, undisturbed.w)
    compare.same(fit.covariance, undisturbed.covariance)
    assert fit.iterations == undisturbed.iterations > 3
    client.wait_for_workers(2, timeout=20)
    assert victim not in pids(client)


# --------------------------------------------------------------------------- bad input


def test_the_wrong_chunk_is_named(client):
    bad = X.copy()
    bad[617, 2] = np.nan
    blocks = distributed.Blocks(da.from_array(bad, chunks=(250, n)), chunked(250)[1])
    with pytest.raises(
        ValueError, match=r"^X: expected .*nan at index \(117, 2\), in block 2 \(from row 500\)$"
    ):
        streaming.total(logistic.nll, w, blocks)
    wrong = distributed.Blocks(*chunked(250, np.where(np.arange(N) == 999, 2, y)))
    with pytest.raises(ValueError, match=r"^y: expected integers from 0 to 1, given 2 .* block 3"):
        estimation.newton(wrong)


def test_arguments_that_are_no_dask_arrays():
    with pytest.raises(TypeError, match=r"^X: expected a dask array, given ndarray; .*from_array"):
        distributed.Blocks(X, y)
    with pytest.raises(TypeError, match=r"^sample_weight: expected a dask array, given ndarray"):
        distributed.Blocks(*chunked(250), s)


def test_shapes():
    rows, labels = chunked(250)
    with pytest.raises(ValueError, match=r"^X: expected a matrix .*, given shape \(1000,\)"):
        distributed.Blocks(labels, labels)
    with pytest.raises(ValueError, match=r"^X: expected a matrix .*, given shape \(0, 4\)"):
        distributed.Blocks(rows[:0], labels[:0])
    with pytest.raises(
        ValueError, match=r"^y: expected shape \(1000,\) for X .* shape \(1000, 1\)"
    ):
        distributed.Blocks(rows, labels[:, None])
    with pytest.raises(ValueError, match=r"^sample_weight: expected shape .* given shape \(999,\)"):
        distributed.Blocks(rows, labels, labels[1:])


def test_chunks_of_unknown_size():
    rows, labels = chunked(250)
    unknown = rows[labels == 1]
    with pytest.raises(
        ValueError, match=r"^X: expected chunks of known size, .*nan.*compute_chunk"
    ):
        distributed.Blocks(unknown, labels)
    with pytest.raises(ValueError, match=r"^y: expected chunks of known size, given chunks"):
        distributed.Blocks(rows, labels[labels == 1])


def test_without_a_client():
    with pytest.raises(RuntimeError, match=r"^no active client: start one with client = "):
        streaming.total(logistic.nll, w, distributed.Blocks(*chunked(250)))


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"needs Dask: pip install 'logisticbp\[dask\]'"):
        distributed.Blocks(X, y)
