"""A derivative against a derived formula: exact, and the wrong term is named."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

from derivations import forward_pass
from derivations.derive import derive
from derivations.prints.derived import as_json
from reference_impl.check import spec
from reference_impl.check.bring import check

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(5)


@cache
def derived(name, by):
    """What `derive --format json` prints, with the levels that the statements claim."""
    forward = forward_pass.read(ROOT / f"docs/forward_passes/{name}.py")
    found = derive(forward.quantity, forward.variable(by), given=forward.given)
    levels = [statement.level for statement in found.statements]
    return as_json(found.statements, levels, found.result, f"{name}.by_{by}")


def file_of(name, by, folder):
    path = folder / f"{name}.json"
    path.write_text(derived(name, by), encoding="utf-8")
    return path


@pytest.fixture
def smoothing(tmp_path):
    return file_of("label_smoothing", "W", tmp_path)


@pytest.fixture
def norm(tmp_path):
    return file_of("layer_norm", "z", tmp_path)


@pytest.fixture
def focal(tmp_path):
    return file_of("focal", "w", tmp_path)


W, X = RNG.normal(size=(3, 4)), RNG.normal(size=(6, 4))
Y, ALPHA = np.eye(3)[RNG.integers(0, 3, 6)], 0.1
P = softmax(X @ W.T, axis=1)
SMOOTHED = {"W": W, "X": X, "Y": Y, "alpha": ALPHA}

Z, DELTA, EPSILON = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4)), 1e-5
ROOT_OF = np.sqrt(Z.var(axis=1, keepdims=True) + EPSILON)
HAT = (Z - Z.mean(axis=1, keepdims=True)) / ROOT_OF


def mean(a):
    return a.mean(axis=1, keepdims=True)


def smoothed(q):
    return (P - q).T @ X


@pytest.mark.parametrize(
    ("q", "name", "text"),
    [
        ((1 - ALPHA) * Y, "missing term", "α / K in q is missing"),
        ((1 - ALPHA) * Y - ALPHA / 3, "sign of a term", "α / K in q has the wrong sign"),
        ((1 - ALPHA) * Y + 2 * ALPHA / 3, "doubled term", "α / K in q stands twice"),
        (Y + ALPHA / 3, "missing term", "-α in q is missing"),
        (Y, "missing terms", "-α in q and α / K in q are missing"),
        (0 * Y, "missing term", "-q_ia is missing"),
    ],
)
def test_label_smoothing(smoothing, q, name, text):
    finding = spec.compare(smoothing, SMOOTHED, smoothed(q), "W")
    assert finding.cause.name == name
    assert text in finding.cause.text or any(text in rival for rival in finding.cause.rivals)
    assert finding.argument == "W"


def test_what_is_right_passes(smoothing, norm):
    right = (1 - ALPHA) * Y + ALPHA / 3
    assert spec.compare(smoothing, SMOOTHED, smoothed(right), "W") is None
    given = {"z": Z, "epsilon": EPSILON}
    back = (DELTA - mean(DELTA) - HAT * mean(DELTA * HAT)) / ROOT_OF
    assert spec.compare(norm, given, back, "z", DELTA) is None


def test_it_is_exact(smoothing):
    """A relative error of 1e-11 in one entry is seen, which differences cannot."""
    got = smoothed((1 - ALPHA) * Y + ALPHA / 3)
    got[1, 2] *= 1.0 + 1e-11
    finding = spec.compare(smoothing, SMOOTHED, got, "W")
    assert finding.index == (1, 2)


@pytest.mark.parametrize(
    ("got", "text"),
    [
        ((DELTA - mean(DELTA)) / ROOT_OF, "-z'_v Σ_u δ'_u z'_u is missing"),
        ((DELTA - HAT * mean(DELTA * HAT)) / ROOT_OF, "-Σ_u δ'_u is missing"),
        (DELTA / ROOT_OF, "-z'_v Σ_u δ'_u z'_u and -Σ_u δ'_u are missing"),
        ((DELTA + mean(DELTA) - HAT * mean(DELTA * HAT)) / ROOT_OF, "-Σ_u δ'_u has the wrong sign"),
    ],
)
def test_layer_norm(norm, got, text):
    finding = spec.compare(norm, {"z": Z, "epsilon": EPSILON}, got, "z", DELTA)
    assert text in finding.cause.text


def test_layer_norm_of_one_row(norm):
    got = (np.eye(4) - HAT[0] * HAT[0][:, None] / 4) / ROOT_OF[0]
    finding = spec.compare(norm, {"z": Z[0], "epsilon": EPSILON}, got, "z")
    assert "-1 is missing" in finding.cause.text


def test_focal_loss_with_a_weight_held(focal):
    w, y, gamma = RNG.normal(size=4), np.array([0, 1, 1, 0, 1, 0]), 2.0
    p = expit(X @ w)
    held = np.where(y == 1, -((1 - p) ** gamma) * (1 - p), p**gamma * p)
    finding = spec.compare(focal, {"w": w, "X": X, "y": y, "gamma": gamma}, X.T @ held, "w")
    assert finding.cause.name == "missing terms"
    assert "log p_i and " in finding.cause.text


def test_numbers_are_looked_at_where_no_term_explains(smoothing):
    right = smoothed((1 - ALPHA) * Y + ALPHA / 3)
    assert spec.compare(smoothing, SMOOTHED, right / 6, "W").cause.name.startswith("mean over")
    assert spec.compare(smoothing, SMOOTHED, right.T, "W").cause.name == "transposed"


def test_check_with_a_formula(smoothing):
    def loss(W, X, Y, alpha):
        q = (1 - alpha) * Y + alpha / 3
        return -(q * np.log(softmax(X @ W.T, axis=1))).sum()

    def gradient(W, X, Y, alpha):
        return {"W": (softmax(X @ W.T, axis=1) - (1 - alpha) * Y - right * alpha / 3).T @ X}

    right = 1.0
    arguments = {"grad": gradient, "wrt": "W", "spec": smoothing}
    assert check(loss, *SMOOTHED.values(), **arguments).ok
    right = 0.0
    report = check(loss, *SMOOTHED.values(), **arguments)
    assert report.verdict == "wrong"
    assert "α / K in q is missing" in str(report.findings[0].cause)
    right = 1.0 + 1e-11
    report = check(loss, *SMOOTHED.values(), **arguments)
    assert [finding.rule for finding in report.findings] == ["formula"]
    with pytest.raises(ValueError, match="it is by W; expected one of X"):
        check(loss, *SMOOTHED.values(), grad=gradient, wrt="X", spec=smoothing)


def test_bad_input(smoothing, tmp_path):
    document = json.loads(smoothing.read_text())
    with pytest.raises(ValueError, match="needs alpha; given W, X, Y"):
        spec.compare(smoothing, {"W": W, "X": X, "Y": Y}, W, "W")
    with pytest.raises(ValueError, match="no formula of what a delta becomes"):
        spec.compare(smoothing, SMOOTHED, W, "W", X)
    with pytest.raises(ValueError, match="derive --format json"):
        spec.read({"level": "proved"})
    with pytest.raises(ValueError, match="given level 'failed'"):
        spec.read({**document, "level": "failed"})
    with pytest.raises(ValueError, match="no terms"):
        spec.read({**document, "terms": []})
    other = tmp_path / "other.json"
    other.write_text("no JSON")
    with pytest.raises(ValueError, match="expected JSON"):
        spec.read(other)
