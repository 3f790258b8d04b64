"""The log-softmax layer against loops and differences at 50 digits, with a free delta."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from mpmath import mp, mpf

from reference_impl.log_softmax import LogSoftmax, sum_of_others
from reference_impl.nll import NLL

CASES = dict(layer_loops.inputs())


@pytest.mark.parametrize("case", CASES)
def test_rules(case):
    layer_loops.check_layer_rules(
        "log_softmax.",
        LogSoftmax(),
        case,
        CASES[case],
        layer_loops.log_softmax_layer,
        layer_loops.log_softmax_jacobian,
        # Softmax and log-softmax are within 4 ulp, a sum of K <= 4 products adds as much.
        ulp=8,
    )


@pytest.mark.parametrize("case", ["2x3", "1x3"])
def test_second_order(case):
    layer_loops.check_second_order("log_softmax.second_order", LogSoftmax(), case, CASES[case],
                                   layer_loops.log_softmax_layer, ulp=32)  # fmt: skip


def residual(z, y):
    """p - [y] as a loop: what reaches the logits from ``NLL`` with labels y."""
    y = [[int(label)] for label in y]
    return [
        [p - (1 if u == y[i][0] else 0) for u, p in enumerate(loops.softmax(z[i]))]
        for i in range(len(z))
    ]


@pytest.mark.parametrize("case", CASES)
def test_residual_keeps_its_digits(case):
    """Entry by entry: also the residual of a confident right answer, where p - 1 cancels."""
    z = CASES[case]
    for y in (z.argmax(axis=1), z.argmin(axis=1), np.arange(len(z)) % z.shape[1]):
        log_p = LogSoftmax().forward(z)
        actual = LogSoftmax().backward(z, NLL(y).backward(log_p, 1.0))
        compare.check(
            actual,
            loops.at(layer_loops.enough_digits(z), residual, z, y),
            statement="log_softmax.backward",
            oracle="loops",
            case=f"residual, {case}, y={y.tolist()}",
            ulp=8,
            entrywise=True,
        )


def test_residual_of_many_subnormal_terms():
    """Each of them is rounded by a large part of itself, their sum is not."""
    z = np.full((2, 400), -744.75)
    z[0, 7], z[1, 0], z[1, 1] = 0.0, 0.0, -700.25
    actual = LogSoftmax().backward(z, NLL([7, 0]).backward(LogSoftmax().forward(z), 1.0))
    compare.check(
        actual[[0, 1], [7, 0]],
        loops.at(400, lambda z: [-sum(map(mp.exp, row[:at] + row[at + 1:])) for row, at in
                                 zip(z, (7, 0), strict=True)], z),
        statement="log_softmax.backward", oracle="loops", case="residual, subnormal", ulp=1,
        entrywise=True,
    )  # fmt: skip


def test_by_hand():
    """z = (log 3, 0): S = (3/4, 1/4), and delta = (1, 1) gives (1 - 3/2, 1 - 1/2)."""
    z = [[np.log(3.0), 0.0]]
    compare.check(
        LogSoftmax().backward(z, [[1.0, 1.0]]),
        [[mpf("-0.5"), mpf("0.5")]],
        statement="log_softmax.backward",
        oracle="by hand",
        case="z = (log 3, 0)",
        ulp=8,
    )


def test_delta_is_neither_one_hot_nor_normalised():
    """A delta that sums to zero along the units passes unchanged, to the last bit where exact."""
    z = np.zeros((2, 2))
    delta = np.array([[3.0, -3.0], [0.5, -0.5]])
    compare.same(LogSoftmax().backward(z, delta), delta)


def test_output_deltas_sum_to_zero():
    """The layer's output does not change with z + c 1, so each row of RULE 2 sums to zero."""
    for case, z in CASES.items():
        delta = layer_loops.free_delta(case, z.shape)
        result = LogSoftmax().backward(z, delta)
        largest = np.abs(delta).max() * z.shape[1]
        assert (np.abs(result.sum(axis=1)) <= 16 * np.spacing(largest)).all(), case


def test_contract():
    z = CASES["5x4"].copy()
    layer_loops.check_contract(LogSoftmax(), z, layer_loops.free_delta("contract", z.shape))
    assert LogSoftmax().parameter_gradient(z, z) == {}


def test_sum_of_others():
    compare.same(
        sum_of_others(np.array([[1.0, 2.0, 4.0], [1.0, 1e-30, 1e-30]])),
        np.array([[6.0, 5.0, 3.0], [2e-30, 1.0, 1.0]]),
    )


@pytest.mark.parametrize(
    ("z", "delta", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], "z: expected a matrix"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "z: expected a matrix"),
        ([[np.nan, 1.0]], [[1.0, 1.0]], "z: expected"),
        ([[1.0, 2.0]], [1.0, 1.0], "delta: expected the shape"),
        ([[1.0, 2.0]], [[1.0]], "delta: expected the shape"),
    ],
)
def test_bad_input(z, delta, message):
    with pytest.raises(ValueError, match=message):
        LogSoftmax().backward(z, delta)


@pytest.mark.parametrize("case", CASES)
def test_term_left_out(case):
    """Whichever class c is left out: index [u, c] of the first result, [c] of the second."""
    z, digits = CASES[case], layer_loops.enough_digits(CASES[case])
    for row, out in zip(z, LogSoftmax().forward(z), strict=True):
        for chain, actual in enumerate([np.tile(out[:, np.newaxis], len(out)), out]):
            compare.check(
                actual,
                derived.table("log_softmax.term_left_out", {"z": row}, digits, chain),
                statement="log_softmax.term_left_out",
                oracle="50 digits",
                case=case,
                ulp=8,
                entrywise=True,
            )


@pytest.mark.parametrize("case", CASES)
def test_derived(case):
    """Each rule of each data point against its derived statement."""
    z, layer = CASES[case], LogSoftmax()
    delta, digits = layer_loops.free_delta(case, z.shape), layer_loops.enough_digits(z)
    for rule, actual in [
        ("forward", layer.forward(z)),
        ("jacobian", layer.jacobian(z)),
        ("backward", layer.backward(z, delta)),
    ]:
        statement = f"log_softmax.{rule}"
        expected = [
            derived.table(statement, {"z": row, "delta'": d}, digits=digits)
            for row, d in zip(z, delta, strict=True)
        ]
        compare.check(actual, expected, statement=statement, oracle="50 digits", case=case, ulp=8)
