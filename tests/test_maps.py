"""Linear maps that share their weights against loops, differences and derived lines; mistakes."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from mpmath import mp, mpf

from derivations import maps as lines
from derivations.maps import at, h, q, r
from derivations.notation import Σ, Size, W, Y, a, any_phi, i, j, k, l, δ
from derivations.proof.digits import any_function
from reference_impl.activations import Tanh
from reference_impl.backpropagation import Chain
from reference_impl.linear import Linear
from reference_impl.maps import Convolution, Embedding, LowRank, Tied
from reference_impl.normalisation import LayerNorm

u, o = lines.u, lines.o
any_size = pytest.mark.parametrize("size", [(1, 2, 3, 2), (2, 3, 4, 5), (3, 1, 2, 4), (3, 3, 3, 3)],
                                   ids=str)  # fmt: skip


def check(rule, oracle, actual, expected, case, ulp=16):
    compare.check(actual, expected, statement=f"maps.{rule}", oracle=oracle, case=str(case),
                  ulp=ulp)  # fmt: skip


def weighted(forward):
    """sum of delta times output, over outputs with any axes; delta comes last."""

    def cost(*arguments):
        *given, delta = arguments
        pairs = zip(loops._flat(forward(*given)), loops._flat(delta), strict=True)
        return sum((d * t for t, d in pairs), mpf(0))

    return cost


def by_differences(forward, arguments, delta, place):
    found = loops.differences(50, weighted(forward), (*arguments, delta), place)
    return chopped(found)


def chopped(value):
    """A zero in exact arithmetic, such as the row of a symbol that does not occur."""
    if isinstance(value, list):
        return [chopped(part) for part in value]
    return mp.chop(value, mpf(10) ** -50)


# -- leading axes


def leading(z, W, b):
    return [layer_loops.linear(places, W, b) for places in z]


@any_size
def test_leading_axes(size):
    N, T, n, K = size
    rng = layer_loops.rng(f"leading {size}")
    z, W, b = eighths(rng, N, T, n), eighths(rng, K, n), eighths(rng, K)
    delta, layer = layer_loops.free_delta(f"leading {size}", (N, T, K)), Linear(W, b)
    check("leading_axes_forward", "loops", layer.forward(z), loops.at(50, leading, z, W, b), size)
    found = [layer.backward(z, delta), *layer.parameter_gradient(z, delta).values()]
    arrays = {"Z": z, "W": W, "b": b, "delta'": delta}
    for place, actual in enumerate(found):
        rule = "leading_axes_backward" if place == 0 else "leading_axes_parameter_gradient"
        expected = by_differences(leading, (z, W, b), delta, place)
        check(rule, "differences", actual, expected, f"{place} {size}")
        expected = derived.table(f"maps.{rule}", arrays, chain=max(place - 1, 0))
        check(rule, "50 digits", actual, expected, f"{place} {size}")
    jacobian = layer.jacobian(z)
    assert jacobian.shape == (N, T, K, n)
    sizes = {"N": N, "T": T, "K": K, "n": n}
    whole = np.array(derived.table("maps.leading_axes_jacobian", arrays, sizes=sizes))
    own = [[whole[i, r, :, i, r, :] for r in range(T)] for i in range(N)]
    check("leading_axes_jacobian", "50 digits", jacobian, own, size)
    assert not (whole[0, 0, :, :, 1:] != 0).any()  # another place, or none


@pytest.mark.parametrize("make", [
    lambda n: Linear(np.ones((2, n)), [1.0, 2.0]), lambda n: LayerNorm(np.arange(n) + 1.0, np.ones(n)),
    lambda n: Tanh(), lambda n: Chain([Linear(np.eye(n) + 1.0), Tanh()]),
])  # fmt: skip
def test_axes_are_rows(make):
    """N x T x n is N T rows, in values, deltas, gradients, Jacobians and second order."""
    rng = layer_loops.rng("axes")
    z, dz = eighths(rng, 2, 4, 3), eighths(rng, 2, 4, 3)
    layer = make(3)
    value = layer.forward(z)
    delta, change = (layer_loops.free_delta(f"axes {k}", value.shape) for k in range(2))

    def rows(array):
        return array.reshape(-1, array.shape[-1])

    compare.same(rows(value), layer.forward(rows(z)))
    compare.same(rows(layer.backward(z, delta)), layer.backward(rows(z), rows(delta)))
    flat = layer.parameter_gradient(rows(z), rows(delta))
    for name, gradient in layer.parameter_gradient(z, delta).items():
        compare.same(gradient, flat[name])
    jacobian = layer.jacobian(z)
    compare.same(jacobian.reshape(8, *jacobian.shape[2:]), layer.jacobian(rows(z)))
    if hasattr(layer, "pullback_along"):
        moved, back = layer.pullback_along(z, dz, flat)
        flat_moved, flat_back = layer.pullback_along(rows(z), rows(dz), flat)
        compare.same(rows(moved), flat_moved)
        compare.same(rows(back(delta, change)[0]), flat_back(rows(delta), rows(change))[0])


# -- embedding


def embedding(y, W):
    return [W[int(label)] for label in y]


@pytest.mark.parametrize("y", [[2, 0, 2, 2], [1], [0, 1, 2, 3]], ids=str)
def test_embedding(y):
    """The second row of [2, 0, 2, 2] gets nothing, the third row three deltas."""
    W = eighths(layer_loops.rng(f"embedding {y}"), 4, 3)
    layer, delta = Embedding(W), layer_loops.free_delta(f"embedding {y}", (len(y), 3))
    check("embedding_forward", "loops", layer.forward(y), loops.at(50, embedding, y, W), y)
    gradient = layer.parameter_gradient(y, delta)["W"]
    expected = by_differences(embedding, (y, W), delta, 1)
    check("embedding_parameter_gradient", "differences", gradient, expected, y)
    hot = {"Y": np.eye(4)[y], "W": W, "delta'": delta}
    check("embedding_forward", "50 digits", layer.forward(y),
          derived.table("maps.embedding_forward", hot), y)  # fmt: skip
    check("embedding_parameter_gradient", "50 digits", gradient,
          derived.table("maps.embedding_parameter_gradient", hot), y)  # fmt: skip
    axes = layer.parameter_gradient([y, y], np.stack([delta, delta]))["W"]
    compare.same(axes, 2.0 * gradient)
    with pytest.raises(ValueError, match="read-only"):
        layer.W[0, 0] = 1.0


# -- convolution


def taken(S, Q, stride, padding):
    """t_rqs of the hypothesis: s = c (r - 1) + q - p, all counted from 1."""
    T = (S + 2 * padding - Q) // stride + 1
    t = np.zeros((T, Q, S))
    for out in range(1, T + 1):
        for tap in range(1, Q + 1):
            place = stride * (out - 1) + tap - padding
            if 1 <= place <= S:
                t[out - 1, tap - 1, place - 1] = 1.0
    return t


def convolution(z, W, b, stride, padding):
    stride, padding, S = int(stride), int(padding), len(z[0])
    out = []
    for sequence in z:
        padded = [[mpf(0)] * len(sequence[0])] * padding
        padded = [*padded, *sequence, *padded]
        out.append([
            [loops.dot([t for row in padded[c : c + len(w)] for t in row],
                       [t for tap in w for t in tap]) + b[u] for u, w in enumerate(W)]
            for c in range(0, S + 2 * padding - len(W[0]) + 1, stride)
        ])  # fmt: skip
    return out


CONVOLUTIONS = [  # N, S, n, K, Q, stride, padding
    (1, 4, 2, 3, 2, 1, 0), (2, 5, 3, 2, 3, 1, 1), (2, 7, 1, 2, 3, 2, 2), (1, 3, 2, 2, 5, 1, 2),
    (3, 3, 3, 3, 3, 3, 0), (1, 6, 2, 1, 2, 3, 0), (2, 4, 2, 2, 1, 1, 3), (1, 8, 1, 2, 3, 2, 0),
]  # fmt: skip


def of_convolution(size):
    N, S, n, K, Q, stride, padding = size
    rng = layer_loops.rng(f"convolution {size}")
    z, W, b = eighths(rng, N, S, n), eighths(rng, K, Q, n), eighths(rng, K)
    layer = Convolution(W, b, stride, padding)
    t = taken(S, Q, stride, padding)
    delta = layer_loops.free_delta(f"convolution {size}", (N, len(t), K))
    return layer, z, W, b, t, delta


@pytest.mark.parametrize("size", CONVOLUTIONS, ids=str)
def test_convolution(size):
    layer, z, W, b, t, delta = of_convolution(size)
    arguments = z, W, b, *map(float, size[-2:])
    arrays = {"Z": z, "W": W, "b": b, "T": t, "delta'": delta}

    def said(rule, chain=0):
        return derived.table(f"maps.convolution_{rule}", arrays, chain=chain)

    value = layer.forward(z)
    check("convolution_forward", "loops", value, loops.at(50, convolution, *arguments), size)
    check("convolution_forward", "50 digits", value, said("forward"), size)
    found = [layer.backward(z, delta), *layer.parameter_gradient(z, delta).values()]
    for place, actual in enumerate(found):
        rule = "backward" if place == 0 else "parameter_gradient"
        expected = by_differences(convolution, arguments, delta, place)
        check(f"convolution_{rule}", "differences", actual, expected, f"{place} {size}")
        expected = said(rule, max(place - 1, 0))
        check(f"convolution_{rule}", "50 digits", actual, expected, f"{place} {size}")
    whole = np.array(loops.differences(50, convolution, arguments, 0), dtype=object)
    jacobian = layer.jacobian(z)
    for row in range(len(z)):
        own = chopped(whole[row, :, :, row].transpose(2, 3, 0, 1).tolist())
        check("convolution_jacobian", "differences", jacobian[row], own, size)
    layer_loops.check_contract(layer, z, delta)


@pytest.mark.parametrize("size", [c for c in CONVOLUTIONS if c[5] == 1 and c[4] > c[6]], ids=str)
def test_convolution_flip(size):
    """What the hypothesis says of t, t' and f holds, and RULE 2 is the convolution back."""
    layer, z, W, _, t, delta = of_convolution(size)
    S, Q, padding = size[1], size[4], size[6]
    back, flip = taken(len(t), Q, 1, Q - 1 - padding), np.eye(Q)[::-1]
    assert back.shape == (S, Q, len(t))
    compare.same(np.einsum("dq,sdr->rqs", flip, back), t)
    arrays = {"W": W, "T'": back, "F": flip, "delta'": delta}
    check("convolution_flip", "50 digits", layer.backward(z, delta),
          derived.table("maps.convolution_flip", arrays), size)  # fmt: skip
    turned = Convolution(W[:, ::-1].transpose(2, 1, 0), padding=Q - 1 - padding)
    check("convolution_flip", "loops", layer.backward(z, delta),
          loops.exact(turned.forward(delta)), size)  # fmt: skip


def test_numpy_turns_the_kernel_around():
    kernel, signal = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 2.0, 1.0])
    ours = Convolution(kernel[None, :, None], padding=1).forward(signal[None, :, None])[0, :, 0]
    compare.same(np.correlate(signal, kernel, "same"), ours)
    compare.same(np.convolve(signal, kernel[::-1], "same"), ours)


# -- low rank


def low_rank(z, W, A, B):
    out = []
    for row in z:
        inside = [loops.dot(a, row) for a in A]
        out.append([loops.dot(W[u], row) + mpf(1.5) * loops.dot(B[u], inside)
                    for u in range(len(W))])  # fmt: skip
    return out


@any_size
def test_low_rank(size):
    N, R, n, K = size
    rng = layer_loops.rng(f"low rank {size}")
    z, W, A, B = eighths(rng, N, n), eighths(rng, K, n), eighths(rng, R, n), eighths(rng, K, R)
    delta, layer = layer_loops.free_delta(f"low rank {size}", (N, K)), LowRank(W, A, B, 1.5)
    arrays = {"Z": z, "W": W, "A": A, "B": B, "alpha": 1.5, "delta'": delta}
    check("low_rank_forward", "loops", layer.forward(z), loops.at(50, low_rank, z, W, A, B), size)
    gradients = layer.parameter_gradient(z, delta)
    found = [layer.backward(z, delta), *(gradients[name] for name in "WAB")]
    for place, (actual, chain) in enumerate(zip(found, (0, 2, 1, 0), strict=True)):
        rule = "low_rank_parameter_gradient" if place else "low_rank_backward"
        expected = by_differences(low_rank, (z, W, A, B), delta, place)
        check(rule, "differences", actual, expected, f"{place} {size}")
        expected = derived.table(f"maps.{rule}", arrays, chain=chain)
        check(rule, "50 digits", actual, expected, f"{place} {size}")
    check("low_rank_jacobian", "loops", layer.jacobian(z)[0], (W + 1.5 * B @ A).tolist(), size, 2)
    layer_loops.check_contract(layer, z, delta)
    begun = LowRank(W, A, np.zeros_like(B)).parameter_gradient(z, delta)
    assert not begun["A"].any()
    assert begun["B"].any()


# -- tied weights


def tied(y, W):
    hidden = [[mp.tanh(t) for t in W[int(label)]] for label in y]
    return [[loops.dot(row, x) for row in W] for x in hidden]


@pytest.mark.parametrize("y", [[2, 0, 2, 2], [1], [0, 1, 2, 3]], ids=str)
def test_tied(y):
    W = eighths(layer_loops.rng(f"tied {y}"), 4, 3)
    layer, delta = Tied(W, Tanh()), layer_loops.free_delta(f"tied {y}", (len(y), 4))
    check("tied_forward", "loops", layer.forward(y), loops.at(50, tied, y, W), y)
    gradient = layer.parameter_gradient(y, delta)["W"]
    expected = by_differences(tied, (y, W), delta, 1)
    check("tied_parameter_gradient", "differences", gradient, expected, y)
    hidden = np.tanh(W[y])
    as_weights = Linear(W).parameter_gradient(hidden, delta)["W"]
    below = Tanh().backward(W[y], Linear(W).backward(hidden, delta))
    compare.same(gradient, as_weights + Embedding(W).parameter_gradient(y, below)["W"])
    axes = layer.parameter_gradient([y, y], np.stack([delta, delta]))["W"]
    check("tied_parameter_gradient", "differences", axes / 2.0, expected, y)


def test_tied_derived():
    """For any function phi between."""

    class AnyFunction:
        def forward(self, z):
            return self.value(0, z)

        def backward(self, z, delta):
            return delta * self.value(1, z)

        def parameter_gradient(self, z, delta):
            return {}

        def value(self, order, z):
            return np.vectorize(lambda t: float(any_function("phi 0", order, mpf(t))))(z)

    y = [2, 0, 2, 2]
    rng = layer_loops.rng("tied, any function")
    W, delta = eighths(rng, 4, 3), eighths(rng, 4, 4)
    layer, arrays = Tied(W, AnyFunction()), {"W": W, "Y": np.eye(4)[y], "delta'": delta}
    for rule, actual in [("forward", layer.forward(y)),
                         ("parameter_gradient", layer.parameter_gradient(y, delta)["W"])]:  # fmt: skip
        expected = derived.table(f"maps.tied_{rule}", arrays)
        check(f"tied_{rule}", "50 digits", actual, expected, "any function", 32)


# -- second order


@pytest.mark.parametrize("name", ["convolution", "low rank"])
def test_second_order(name):
    """The rules differentiated along a direction against differences of the rules themselves."""
    rng = layer_loops.rng(name)
    if name == "convolution":
        make, forward = (lambda W, b: Convolution(W, b, 2, 1)), convolution
        parameters, z = {"W": eighths(rng, 2, 3, 2), "b": eighths(rng, 2)}, eighths(rng, 2, 5, 2)
        rest = (2.0, 1.0)
    else:
        make, forward, rest = (lambda W, A, B: LowRank(W, A, B, 1.5)), low_rank, ()
        parameters, z = {"W": eighths(rng, 4, 2), "A": eighths(rng, 3, 2), "B": eighths(rng, 4, 3)}, (
            eighths(rng, 2, 2))  # fmt: skip
    layer = make(**parameters)
    for place, actual, expected in layer_loops.second_order(
        name, layer, forward, z, parameters, rest
    ):
        check("second_order", "differences", actual, chopped(expected), f"{name} {place}")


def test_by_hand():
    """Kernel (1, 2, 3) on (1, 0, 2, 1), one zero on each side."""
    layer = Convolution([[[1.0], [2.0], [3.0]]], padding=1)
    z = [[[1.0], [0.0], [2.0], [1.0]]]
    compare.same(layer.forward(z)[0, :, 0], np.array([2.0, 7.0, 7.0, 4.0]))
    delta = [[[1.0], [0.0], [0.0], [0.0]]]
    compare.same(layer.backward(z, delta)[0, :, 0], np.array([2.0, 3.0, 0.0, 0.0]))
    compare.same(layer.parameter_gradient(z, delta)["W"][0, :, 0], np.array([0.0, 1.0, 0.0]))
    twice = Embedding([[1.0], [2.0]]).parameter_gradient([0, 0], [[3.0], [4.0]])
    compare.same(twice["W"], np.array([[7.0], [0.0]]))
    both = Tied([[1.0], [2.0]], Chain([])).parameter_gradient([0], [[1.0, 1.0]])
    compare.same(both["W"], np.array([[4.0], [1.0]]))  # 1 + (1 + 2), and 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Embedding([1.0]), "W: expected a matrix"),
        (lambda: Embedding([[1.0]]).forward([1]), "y: expected integers from 0 to 0, rows of W"),
        (lambda: Embedding([[1.0]]).forward([0.5]), "y: expected integers from 0 to 0"),
        (lambda: Embedding([[1.0]]).forward(0), "y: expected at least one symbol, given shape"),
        (lambda: Embedding([[1.0]]).parameter_gradient([0], [1.0]), "delta: expected the shape"),
        (lambda: Convolution([[1.0]]), r"W: expected shape \(outputs, taps, features\)"),
        (lambda: Convolution([[[1.0]]], [1.0, 2.0]), r"b: expected shape \(1,\), given shape"),
        (lambda: Convolution([[[1.0]]], stride=0), "stride: expected an integer >= 1, given 0"),
        (lambda: Convolution([[[1.0]]], padding=-1), "padding: expected an integer >= 0"),
        (lambda: Convolution([[[1.0]] * 3]).forward([[[1.0]]]), "z: expected at least 3 places"),
        (lambda: Convolution([[[1.0]]]).forward([[1.0]]), r"z: expected shape \(N, places, 1\)"),
        (
            lambda: Convolution([[[1e200]]]).forward([[[1e200]]]),
            "the convolution exceeds the range",
        ),
        (lambda: LowRank([[1.0]], [[1.0, 2.0]], [[1.0]]), "A: expected 1 columns, those of W"),
        (lambda: LowRank([[1.0]], [[1.0]], [[1.0, 2.0]]), r"B: expected shape \(1, 1\), rows of W"),
        (lambda: LowRank([[1.0]], [[1.0]], [[1.0]], 0.0), "alpha: expected a number > 0"),
        (lambda: LowRank([[1.0]], [[1.0]], [[1.0]]).forward([[1.0, 2.0]]), "z: expected 1 columns"),
        (lambda: Tied([[1.0]], Linear([[1.0], [2.0]])).forward([0]), "between: expected a layer"),
        (lambda: Tied([[1.0]], Tanh()).parameter_gradient([0], [[1, 2]]), "delta: expected the sh"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_layer():
    with pytest.raises(TypeError, match=r"^between: expected objects with forward.*, given str$"):
        Tied([[1.0]], "x")


# What people get wrong, each a result that verification has to refuse.

T, Δ, Δ_at, Δ_in = lines.reads, lines.deltas_out, lines.deltas_at, lines.deltas_in
z, kernel, A, B, α = lines.signal, lines.kernel, lines.A, lines.B, lines.scale
places, x, flat_delta = lines.values, lines.window, lines.delta_embedded
unscaled = Σ(u, Δ[i, u] * B[u, h])
MISTAKES = {
    "one place": ("leading_axes_parameter_gradient", 0, Σ(i, Δ_at[i, r, u] * places[i, r, k])),
    "mean over the places": (
        "leading_axes_parameter_gradient",
        0,
        Σ(i, Σ(r, Δ_at[i, r, u] * places[i, r, k])) / Size(lines.T),
    ),
    "a bias for each place": ("leading_axes_parameter_gradient", 1, Σ(i, Δ_at[i, r, u])),
    "summed over the places": ("leading_axes_backward", 0, Σ(r, Σ(u, W[u, k] * Δ_at[i, r, u]))),
    "every place sees every other": ("leading_axes_jacobian", 0, δ(i, j) * W[u, k]),
    "overwritten: mean of the repeated": (
        "embedding_parameter_gradient",
        0,
        Σ(i, Y[i, a] * Δ_in[i, k]) / Σ(i, Y[i, a]),
    ),
    "all rows": ("embedding_parameter_gradient", 0, Σ(i, Δ_in[i, k])),
    "features for symbols": ("embedding_jacobian", 0, Y[i, a]),
    "kernel not flipped": (
        "convolution_flip",
        0,
        Σ(q, Σ(u, kernel[u, q, k] * Σ(r, lines.reads_back[at, q, r] * Δ_at[i, r, u]))),
    ),
    "channels not summed": (
        "convolution_backward",
        0,
        Σ(r, Σ(q, T[r, q, at] * Σ(u, Δ_at[i, r, u]) * Σ(u, kernel[u, q, k]))),
    ),
    "stride forgotten: every place read": (
        "convolution_backward",
        0,
        Σ(r, Σ(u, Δ_at[i, r, u] * Σ(q, kernel[u, q, k]))),
    ),
    "one place of the kernel": (
        "convolution_parameter_gradient",
        0,
        Σ(i, Δ_at[i, r, u] * x[i, r, q, k]),
    ),
    "bias for each place": ("convolution_parameter_gradient", 1, Σ(i, Δ_at[i, r, u])),
    "taps overwritten": ("convolution_jacobian", 0, δ(i, j) * T[r, q, at] * kernel[u, q, k]),
    "scale lost on the way to A": (
        "low_rank_parameter_gradient",
        1,
        Σ(i, unscaled * lines.rows[i, k]),
    ),
    "scale squared": (
        "low_rank_parameter_gradient",
        1,
        α**2 * Σ(i, unscaled * lines.rows[i, k]),
    ),
    "A before the input": (
        "low_rank_parameter_gradient",
        0,
        α * Σ(i, Δ[i, u] * Σ(k, A[h, k])),
    ),
    "weights alone": ("low_rank_backward", 0, Σ(u, W[u, k] * Δ[i, u])),
    "factors multiplied the wrong way": (
        "low_rank_jacobian",
        0,
        δ(i, j) * (W[u, k] + α * Σ(h, B[u, h] * Σ(l, A[h, l]))),
    ),
    "as weights alone": (
        "tied_parameter_gradient",
        0,
        Σ(i, any_phi(lines.embedded[i, k]) * Δ[i, a]),
    ),
    "as a table alone": ("tied_parameter_gradient", 0, Σ(i, Y[i, a] * flat_delta[i, k])),
    "mean of both": (
        "tied_parameter_gradient",
        0,
        Σ(i, Y[i, a] * flat_delta[i, k] + any_phi(lines.embedded[i, k]) * Δ[i, a]) / 2,
    ),
    "no slope between": (
        "tied_parameter_gradient",
        0,
        Σ(i, Y[i, a] * Σ(u, Δ[i, u] * W[u, k]) + any_phi(lines.embedded[i, k]) * Δ[i, a]),
    ),
    "no second derivative": ("second_order", 3, 0),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_refused(mistake):
    name, chain, wrong = MISTAKES[mistake]
    assert derived.rejected(f"maps.{name}", wrong, chain)


def test_the_helper_does_not_refuse_what_is_right():
    right = Σ(i, Σ(r, Δ_at[i, r, u] * x[i, r, q, k]))
    assert not derived.rejected("maps.convolution_parameter_gradient", right)
