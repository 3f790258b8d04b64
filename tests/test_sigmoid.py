"""sigmoid, log_sigmoid and softplus against loops at 50 digits, over the whole range."""

import compare
import derived
import loops
import numpy as np
import pytest
import vectors
from hypothesis import given, strategies as st

from reference_impl import sigmoid

FUNCTIONS = {
    "sigmoid.stable": (sigmoid.sigmoid, loops.sigmoid_all),
    "sigmoid.log_sigmoid": (sigmoid.log_sigmoid, loops.log_sigmoid_all),
    "sigmoid.softplus": (sigmoid.softplus, loops.softplus_all),
}
each_function = pytest.mark.parametrize("statement", FUNCTIONS)
real = st.floats(allow_nan=False, allow_infinity=False)


def ranges():
    """Inputs by range; the digits of the oracle follow from the largest |t|."""
    rng = np.random.default_rng(20)
    tiny = np.array([0.0, -0.0, 5e-324, -5e-324, 2.3e-308, -2.3e-308, 1e-17, -1e-17, 1e-9, -1e-9])
    return {
        "near zero": np.concatenate([tiny, rng.uniform(-1, 1, 300)]),
        "moderate": rng.uniform(-40, 40, 600),
        "saturated": np.concatenate(
            [
                [30, -30, 40, -40, 300, -300, 700, -700, 36.7368005696771, -37],
                rng.uniform(-708, 708, 300),
            ]
        ),
        "subnormal results": np.concatenate(
            [
                [-708.3964185322641, -709.782712893384, -745.1332191019411],
                rng.uniform(-745, -708, 200),
            ]
        ),
        "underflow and beyond": np.array([-745.2, -750.0, -1000.0, 709.9, 745.2, 1000.0]),
    }


@each_function
@pytest.mark.parametrize("where", ranges())
def test_accuracy(statement, where):
    function, loop = FUNCTIONS[statement]
    t = ranges()[where]
    digits = 50 + int(np.abs(t).max() / np.log(10)) + 350 * (where == "near zero")
    compare.check(
        function(t),
        loops.at(digits, loop, t),
        statement=statement,
        oracle="loops",
        case=where,
        # exp and log1p are within 1 ulp each, the sum and the quotient within 1/2.
        ulp=4,
        entrywise=True,
    )


SOME = (-744.0, -700.5, -300.0, -40.0, -20.5, -1.25, 0.0, 0.1, 3.75, 20.5, 40.0, 300.0, 700.0)


@pytest.mark.parametrize("t", SOME)
def test_derived(t):
    """The derived forms; softplus(t) = -log sigma(-t), and its derivative is sigma(t)."""
    digits = 50 + int(abs(t))

    def value(statement, t):
        return derived.table(f"sigmoid.{statement}", {"t": t}, digits=digits)

    for statement, actual, expected in [
        ("definition", sigmoid.sigmoid(t), value("definition", t)),
        ("softplus", sigmoid.sigmoid(t), value("softplus", t)),
        ("log_sigmoid", sigmoid.log_sigmoid(t), value("log_sigmoid", t)),
        ("stable", sigmoid.log_sigmoid(t), value("stable", t)),
        ("log_sigmoid", sigmoid.softplus(t), -value("log_sigmoid", -t)),
    ]:
        compare.check(
            actual,
            expected,
            statement=f"sigmoid.{statement}",
            oracle="50 digits",
            case=f"t={t}",
            ulp=4,
        )


@pytest.mark.parametrize(
    ("statement", "name"),
    [("sigmoid.stable", "stable"), ("sigmoid.log_sigmoid", "log"), ("sigmoid.softplus", "soft")],
)
def test_hand_worked(statement, name):
    """sigma(0) = 1/2, log sigma(0) = -log 2, softplus(0) = log 2, and log 3 by hand."""
    log2, log3 = "0.693147180559945309417232121458", "1.09861228866810969139524523692"
    log4, third = "1.38629436111989061883446424292", "0.28768207245178092743921900599"
    by_hand = {"stable": [0.5], "log": ["-" + log2], "soft": [log2]}[name]
    function, _ = FUNCTIONS[statement]
    compare.check(
        function([0.0]), by_hand, statement=statement, oracle="by hand", case="t=0", ulp=1
    )
    # t = log 3: sigma = 3/4, log sigma = log 3 - log 4, softplus = log 4 (t is rounded: 2 ulp).
    by_hand = {"stable": [0.75], "log": ["-" + third], "soft": [log4]}[name]
    compare.check(
        function([float(log3)]), by_hand, statement=statement, oracle="by hand", case="log 3", ulp=2
    )


@each_function
def test_limits(statement):
    expected = {
        "sigmoid.stable": [0.0, 1.0],
        "sigmoid.log_sigmoid": [-np.inf, 0.0],
        "sigmoid.softplus": [0.0, np.inf],
    }
    compare.same(FUNCTIONS[statement][0]([-np.inf, np.inf]), np.array(expected[statement]))


@each_function
def test_shapes(statement):
    function, _ = FUNCTIONS[statement]
    t = np.random.default_rng(1).normal(size=(2, 3, 4))
    compare.same(function(t), np.reshape([function(entry) for entry in t.ravel()], t.shape))
    assert isinstance(function(0.5), np.float64)
    assert function(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("vector", vectors.load(*FUNCTIONS), ids=str)
def test_vectors(vector):
    function, _ = FUNCTIONS[vector.statement]
    vector.check(function(**vector.input), ulp=4, entrywise=True)


@given(real)
def test_symmetry(t):
    """sigma(t) + sigma(-t) = 1: each summand is within 2 ulp of a number below 1."""
    total = sigmoid.sigmoid(t) + sigmoid.sigmoid(-t)
    compare.check(
        total, 1, statement="sigmoid.symmetry", oracle="identity", case=f"t={t:.17g}", ulp=4
    )


@given(st.floats(-700, 700))
def test_log_sigmoid_is_minus_softplus(t):
    compare.same(sigmoid.log_sigmoid(t), -sigmoid.softplus(-t))


@given(st.lists(st.floats(-800, 800), min_size=2, max_size=20))
def test_monotone(values):
    t = np.sort(values)
    for function, _ in FUNCTIONS.values():
        assert (np.diff(function(t)) >= -4 * np.spacing(np.abs(function(t))[1:])).all()


@pytest.mark.parametrize("largest", [3.0, 40.0, 300.0])
def test_soft_targets(largest):
    """Cross-entropy with a probability, and its derivative, at 50 digits; 0 and 1 are labels."""
    rng = np.random.default_rng(int(largest))
    t = rng.uniform(-largest, largest, 60)
    q = np.concatenate([rng.integers(0, 9, 50) / 8, np.repeat([0.0, 1.0], 5)])

    def losses(t, q):
        return [
            -b * loops.log_sigmoid(a) - (1 - b) * loops.log_sigmoid(-a)
            for a, b in zip(t, q, strict=True)
        ]

    digits = 50 + int(largest)
    for name, actual, expected in [
        ("loss", sigmoid.soft_losses(t, q), loops.at(digits, losses, t, q)),
        (
            "residual",
            sigmoid.soft_residuals(t, q),
            loops.at(
                digits,
                lambda t, q: [loops.sigmoid(a) - b for a, b in zip(t, q, strict=True)],
                t,
                q,
            ),
        ),
    ]:
        compare.check(
            actual,
            expected,
            statement="conventions.soft_labels",
            oracle="loops",
            case=f"{name}, |t| up to {largest}",
            ulp=8,
        )
    hard = q[50:].astype(int)
    compare.same(sigmoid.soft_losses(t[50:], hard), sigmoid.losses(t[50:], hard))
    compare.same(sigmoid.soft_residuals(t[50:], hard) + 0.0, sigmoid.residuals(t[50:], hard) + 0.0)


@pytest.mark.parametrize("function", [sigmoid.soft_losses, sigmoid.soft_residuals])
def test_wrong_soft_targets(function):
    with pytest.raises(ValueError, match=r"^q: expected probabilities from 0 to 1, given 1.5 at"):
        function([0.0, 1.0], [0.5, 1.5])
    with pytest.raises(
        ValueError, match=r"^q: expected the shape of t, \(2,\), given shape \(1,\)"
    ):
        function([0.0, 1.0], [0.5])
    with pytest.raises(ValueError, match=r"^t: expected finite numbers"):
        function([0.0, np.inf], [0.5, 0.5])
