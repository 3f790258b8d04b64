"""The cost layers against loops and differences at 50 digits."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest

from reference_impl.gradient_check import check_layer
from reference_impl.nll import NLL, SoftNLL

SIZES = [(1, 3), (2, 4), (5, 2), (5, 3), (3, 3)]  # N x K


def design(N, K):
    """Log-probabilities need not be normalised here: any z. Labels unbalanced, some absent."""
    rng = layer_loops.rng(f"nll {N} {K}")
    z = layer_loops.eighths(rng, N, K)
    return z, np.minimum(rng.integers(0, K, N), rng.integers(0, K, N))


def verify(name, oracle, case, actual, expected):
    compare.check(actual, expected, statement=f"nll.{name}", oracle=oracle, case=case, ulp=1)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_rules(size):
    z, y = design(*size)
    layer, Y = NLL(y), np.eye(size[1])[y]
    verify("forward", "loops", str(size), layer.forward(z), loops.at(50, layer_loops.nll, z, Y))
    by_differences = loops.differences(50, layer_loops.nll, (z, Y), 0)
    verify("backward", "differences", str(size), layer.backward(z, 1.0), by_differences)
    compare.same(layer.jacobian(z), layer.backward(z, 1.0)[:, None, :])
    for rule in ("forward", "jacobian"):
        compare.same(getattr(layer, rule)(z), getattr(SoftNLL(Y), rule)(z) + 0.0)
    assert layer.parameter_gradient(z, 1.0) == {}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_soft_labels(size):
    """Rows of Y sum to anything: nothing may assume one."""
    z, _ = design(*size)
    Y = layer_loops.eighths(layer_loops.rng(f"soft {size}"), *size)
    layer = SoftNLL(Y)
    case = f"soft {size}"
    verify("forward", "loops", case, layer.forward(z), loops.at(50, layer_loops.nll, z, Y))
    by_differences = loops.differences(50, layer_loops.nll, (z, Y), 0)
    verify("backward", "differences", case, layer.backward(z, 1.0), by_differences)
    assert layer.parameter_gradient(z, 1.0) == {}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_second_order(size):
    """Linear in z: only delta changes RULE 2."""
    z, y = design(*size)
    for layer, Y in [(NLL(y), np.eye(size[1])[y]), (SoftNLL(z + 1.0), z + 1.0)]:
        layer_loops.check_second_order("nll.backward", layer, f"{layer.__class__.__name__} {size}",
                                       z, layer_loops.nll, rest=(loops.exact(Y),), ulp=1)  # fmt: skip


def test_by_hand():
    """z = ((-1, -2), (-4, -8)), y = (1, 0): C = 2 + 4."""
    z, layer = [[-1, -2], [-4, -8]], NLL([1, 0])
    compare.same(layer.forward(z), np.float64(6.0))
    compare.same(layer.backward(z, 0.5), np.array([[0.0, -0.5], [-0.5, 0.0]]))


def test_digits_beyond_float32():
    """Eighths are numbers of float32 too; tenths are not."""
    compare.same(NLL([1]).forward([[0.1, 0.3]]), np.float64(-0.3))
    compare.same(NLL([1]).backward([[0.1, 0.3]], 0.1) + 0.0, np.array([[0.0, -0.1]]))
    compare.same(NLL([1]).jacobian([[0.1, 0.3]]) + 0.0, np.array([[[0.0, -1.0]]]))
    soft = SoftNLL([[0.1, 0.0]])
    compare.same(soft.forward([[3.0, 1.0]]), np.float64(-(0.1 * 3.0)))
    compare.same(soft.backward([[3.0, 1.0]], 1.0) + 0.0, np.array([[-0.1, 0.0]]))


def test_sum_not_mean():
    z, y = design(5, 3)
    compare.same(NLL(np.tile(y, 2)).forward(np.tile(z, (2, 1))), 2.0 * NLL(y).forward(z))
    compare.same(
        NLL(np.tile(y, 2)).backward(np.tile(z, (2, 1)), 1.0),
        np.tile(NLL(y).backward(z, 1.0), (2, 1)),
    )


@pytest.mark.parametrize("delta", [2.0, -0.75, np.float64(3.0), np.array(0.5)])
def test_delta_is_used(delta):
    z, y = design(5, 3)
    Y = np.eye(3)[y]
    for layer in (NLL(y), SoftNLL(Y)):
        compare.same(layer.backward(z, delta) + 0.0, -float(delta) * Y + 0.0)
        assert not layer.backward(z, 0.0).any()


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int8, np.int32, np.float16, float])
def test_label_types(kind):
    z, _ = design(5, 2)
    y = np.array([0, 1, 1, 0, 0])
    for rule in ("forward", "jacobian"):
        compare.same(getattr(NLL(y.astype(kind)), rule)(z), getattr(NLL(y), rule)(z))


def test_labels_are_copied_and_read_only():
    z, y = design(5, 3)
    layer, before = NLL(y), NLL(y).forward(z)
    y[:] = 0
    compare.same(layer.forward(z), before)
    with pytest.raises(ValueError, match="read-only"):
        layer.y[0] = 1
    Y = np.eye(3)
    layer, before = SoftNLL(Y), SoftNLL(Y).forward(z[:3])
    Y[:] = 5.0
    compare.same(layer.forward(z[:3]), before)
    with pytest.raises(ValueError, match="read-only"):
        layer.Y[0, 0] = 1.0


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([-1, 0], "y: expected integers"),
        ([1e19, 0], r"y: expected integers >= 0 and < 2\^53, given 1e\+19 at index 0"),
        (np.array([0, 2**63], np.uint64), r"y: expected .* given 9.22\d*e\+18 at index 1"),
        ([-1, 2**52], "y: expected .* given -1 at index 0"),  # and no room for 2^52 numbers
        ([0, 2**53 + 1], "y: expected .* given 9007199254740992 at index 1"),
        ([0.5, 1.0], "y: expected integers"),
        ([np.nan, 1.0], "y: expected"),
        ([], "y: expected one label"),
        ([[0], [1]], "y: expected one label"),
        ([[0.0, 1.0]], r"SoftNLL\(Y\)"),
        (1, "y: expected one label"),
    ],
)
def test_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        NLL(y)


@pytest.mark.parametrize(
    ("z", "delta", "message"),
    [
        ([[0.0, 1.0]], 1.0, "z: expected one row for each of the 2 labels"),
        ([[0.0], [1.0]], 1.0, "y: expected integers from 0 to 0"),
        ([0.0, 1.0], 1.0, "z: expected a matrix"),
        ([[0.0, np.nan], [0.0, 0.0]], 1.0, "z: expected"),
        ([[0.0, 1.0], [0.0, 0.0]], [1.0, 1.0], r"delta: expected .*\(\), given shape \(2,\)"),
        ([[0.0, 1.0], [0.0, 0.0]], np.inf, "delta: expected finite"),
    ],
)
def test_bad_input(z, delta, message):
    with pytest.raises(ValueError, match=message):
        NLL([0, 1]).backward(z, delta)


def test_labels_one_to_K_get_a_hint():
    with pytest.raises(ValueError, match="y - 1"):
        NLL([1, 2, 3]).forward(np.zeros((3, 3)))


@pytest.mark.parametrize("layer", [NLL([0, 2, 1, 1, 0]), SoftNLL(np.eye(3)[[0, 2, 1, 1, 0]])])
def test_contract(layer):
    z, _ = design(5, 3)
    layer_loops.check_contract(layer, z, np.array(1.5))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_derived(size):
    """Each rule against its derived statement, for one label each and for any numbers."""
    z, y = design(*size)
    soft = layer_loops.eighths(layer_loops.rng(f"soft {size}"), *size)
    for layer, Y in [(NLL(y), np.eye(size[1])[y]), (SoftNLL(soft), soft)]:
        arrays = {"z": z, "Y": Y, "delta'": -0.75}
        for rule, actual in [
            ("forward", layer.forward(z)),
            ("jacobian", layer.jacobian(z)[:, 0]),
            ("backward", layer.backward(z, -0.75)),
        ]:
            verify(rule, "50 digits", str(size), actual, derived.table(f"nll.{rule}", arrays))


def test_labels_before_the_number_of_classes_is_known():
    with pytest.raises(
        ValueError, match=r"^y: expected integers >= 0 and < 2.53, given -100 .*ignored_labels"
    ):
        NLL([0, 3, -100])


@pytest.mark.parametrize("smoothing", [0.0, 0.125, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [None, -100, 2])
def test_weights_smoothing_and_ignored_labels(smoothing, weighted, ignore):
    """As the matrix of labels that they stand for, in value and in each rule."""
    N, K = 5, 4
    z, _ = design(5, 3)
    z = np.column_stack([z, -z[:, 0]])
    y = np.array([0, 3, 1, 2, 3])
    s = np.array([0.5, 2.0, 0.0, 1.0, 0.25]) if weighted else np.ones(N)
    given = np.where([False, True, False, False, True], -100, y) if ignore == -100 else y
    counted = s * (given != ignore)
    Y = counted[:, None] * ((1 - smoothing) * np.eye(K)[y] + smoothing / K)
    layer = NLL(
        given,
        sample_weight=s if weighted else None,
        ignore_index=ignore,
        smoothing=smoothing,
    )
    case = f"smoothing {smoothing}, {weighted}, ignore {ignore}"
    verify("forward", "loops", case, layer.forward(z), loops.at(50, layer_loops.nll, z, Y))
    by_differences = loops.differences(50, layer_loops.nll, (z, Y), 0)
    verify("backward", "differences", case, layer.backward(z, 1.0), by_differences)
    assert check_layer(layer, z).ok


def test_nothing_but_ignored_labels():
    """The empty sum, where a mean would be 0/0."""
    layer = NLL([-100, -100], ignore_index=-100, smoothing=0.5)
    compare.same(layer.forward([[1.0, 2.0], [3.0, 4.0]]), np.array(0.0) * -1)
    assert not layer.backward([[1.0, 2.0], [3.0, 4.0]], 1.0).any()


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"smoothing": 1.5}, ValueError, "smoothing: expected a number from 0 to 1, given 1.5"),
        ({"smoothing": -0.1}, ValueError, "smoothing: expected a number from 0 to 1, given -0.1"),
        ({"ignore_index": 1.5}, TypeError, "ignore_index: expected an integer"),
        ({"ignore_index": 10**400}, ValueError, "ignore_index: .* 64 bits, given one of 1329"),
        ({"sample_weight": [1.0]}, ValueError, r"sample_weight: .* \(2,\) for y of shape \(2,\)"),
        ({"sample_weight": [1.0, -1.0]}, ValueError, "sample_weight: expected weights >= 0"),
    ],
)
def test_wrong_options(more, error, message):
    with pytest.raises(error, match=message):
        NLL([0, 1], **more)
