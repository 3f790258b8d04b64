"""A smoke run of the benchmarks: every section with small shapes, and what it writes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import layers, peers, speed, timing

ROOT = Path(__file__).parents[2]


def test_quick_run(tmp_path):
    out = tmp_path / "speed.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=600)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["quick"] and found["complete"] and found["schema"] == speed.SCHEMA
    assert found["blas"] and found["versions"]["numpy"] and found["date"]
    assert [path.name for path in tmp_path.iterdir()] == ["speed.json"]
    rows = found["rows"]
    assert {row["threads"] for row in rows} == {1, 2}
    assert {row["section"] for row in rows} == {
        "gradient", "hessian", "hvp", "growth in N", "growth in n", "growth in K", "layers",
        "gain", "busy", "gain-numpy", "busy-numpy",
    }  # fmt: skip
    assert {name for row in rows for name in row["seconds"]} == {
        *peers.PEERS, "one thread", "one BLAS thread",
    } - {"torch.compile"}  # fmt: skip
    for row in rows:
        assert row.get("failed", {}) == {}
        assert min(row["seconds"].values()) > 0
    assert any(row.get("dtype") == "float32" for row in rows)


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_peer_with_another_result_is_found(K, dtype):
    """The comparison before a measurement sees a fault in one entry of the gradient."""
    problem = peers.problem(50, 3, K, dtype, 1)
    value, gradient = peers.ours(problem)["gradient"]()
    wrong = gradient.copy()
    wrong.flat[-1] *= 1.01
    assert peers.difference((value, gradient), (value, gradient)) == 0.0
    assert peers.difference((value, wrong), (value, gradient)) > 1e-3 * abs(
        gradient.flat[-1] / np.abs(gradient).max()
    )
    assert np.isnan(peers.difference((np.nan, gradient), (value, gradient)))
    assert np.isnan(peers.difference((value, np.nan * gradient), (value, gradient)))


def test_medians_alternate(monkeypatch):
    """Each turn calls every function once, a quick one several times; a slow one drops out."""
    now, called = [0.0], []
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def function(name, seconds):
        def call():
            called.append(name)
            now[0] += seconds

        return call

    functions = {"a": function("a", 0.002), "b": function("b", 0.02), "c": function("c", 0.0005)}
    found = timing.medians(functions, budget=0.05, most=3)
    assert [round(1e4 * found[name]) for name in "abc"] == [20, 200, 5]
    turns = ["c", "c", "b", "a"], ["a", "b", "c", "c"], ["c", "c", "a"]
    assert called == ["a", "b", "c", *turns[0], *turns[1], *turns[2]]


def test_memory_of_a_call():
    """An array of 64 MB is seen; where the kernel does not tell, None is returned."""
    found = timing.extra_memory(lambda: np.ones(8_000_000).sum())
    assert found is None or 60e6 < found < 80e6


def test_operations():
    """Products of matrices by hand: N = 2, n = 3, K = 2 and 4."""
    assert speed.flops("gradient", 2, 3, 2) == 2 * (2 * 2 * 3)
    assert speed.flops("gradient", 2, 3, 4) == 2 * (2 * 2 * 3 * 4)
    assert speed.flops("hessian", 2, 3, 2) == 2 * 2 * 6  # half of a square, diagonal included
    assert speed.flops("hessian", 2, 3, 4) == 2 * 2 * 6 * 6


@pytest.mark.parametrize("name", layers.NETWORKS)
def test_layers_agree(name):
    _, sizes, activation = layers.NETWORKS[name]
    network = layers.network(20, sizes, activation, 1)
    expected = layers.ours(network)()
    for make in layers.LIBRARIES.values():
        assert peers.difference(make(network)(), expected) < 1e-10
