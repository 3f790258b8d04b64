"""The block of a transformer: it learns, it is deterministic, and every gradient is checked."""

import itertools

import compare
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from layer_loops import elementwise, normals
from mpmath import mpf
from test_attention import attention
from test_gates import gelu
from test_normalisation import normalised

from reference_impl import transformer
from reference_impl.attention import SelfAttention
from reference_impl.backpropagation import Chain, Sum, backpropagate
from reference_impl.linear import Linear
from reference_impl.nll import NLL
from reference_impl.training import moved, train

MASK = np.tri(4)


@pytest.fixture(scope="session")
def words():
    return transformer.words()


def test_words_are_labelled_and_masked():
    """A blank has the symbol three rows above as its label; a row sees its word, down to itself."""
    X, y, held_out = [], [], []
    places = np.random.default_rng(3).permutation(64)
    for word, place in zip(itertools.product(range(4), repeat=3), places, strict=True):
        for t in range(6):
            symbol, label = (word[t], -1) if t < 3 else (4, word[t - 3])
            X.append([float(k in (symbol, 5 + t)) for k in range(11)])
            y.append(label if place < 48 else -1)
            held_out.append(label if place >= 48 else -1)
    mask = [[float(i // 6 == j // 6 and j <= i) for j in range(384)] for i in range(384)]
    found = transformer.words(seed=3)
    for name, expected in {"X": X, "y": y, "held_out": held_out, "mask": mask}.items():
        compare.same(getattr(found, name), np.array(expected))


def held(n, head, hidden, rng):
    """What an untrained block holds: norms that do nothing yet, weights in the order of drawing."""
    norm = np.ones(n), np.zeros(n), 1e-5
    yield from (*norm, *(normals(rng, head, n) for _ in "QKV"), MASK, normals(rng, n, head))
    yield from (*norm, normals(rng, hidden, n), np.zeros(hidden), normals(rng, n, hidden), norm[1])


def test_a_block_starts_from_normals():
    """With a head that is smaller than the features."""
    block = transformer.block(4, head=2, hidden=5, mask=MASK, rng=np.random.default_rng(7))
    layer_loops.check_held(Chain(block), held(4, 2, 5, np.random.default_rng(7)))


def test_a_network_starts_from_normals():
    """The embedding is drawn first, twice as large, and the last layer before the block."""
    rng = np.random.default_rng(7)
    first, last = 2 * normals(rng, 3, 11), normals(rng, 4, 3)
    rest = np.ones(3), np.zeros(3), 1e-5, last, np.zeros(4)
    network = transformer.network(MASK, n=3, hidden=5, seed=7)
    layer_loops.check_held(network, [first, *held(3, 3, 5, rng), *rest])


def test_accuracy_is_of_the_rows_with_a_label():
    """Of three labels one is the most probable symbol; a row without a label does not count."""
    assert transformer.accuracy(Chain([]), np.eye(4), np.array([0, 2, -1, 1])) == 1 / 3


def test_it_learns(words):
    cost = NLL(words.y, ignore_index=-1)
    result = train(transformer.network(words.mask), cost, words.X, steps=40, rate=0.1 / 144)
    assert result.costs[0] / 144 > 1.0 and result.costs[-1] / 144 < 0.01
    assert transformer.accuracy(result.layers, words.X, words.held_out) == 1.0


def test_nothing_is_learned_without_attention(words):
    """The blanks of all words look alike: no better than guessing at what was held out."""
    blind = transformer.network(np.eye(len(words.X)))
    cost = NLL(words.y, ignore_index=-1)
    result = train(blind, cost, words.X, steps=40, rate=0.1 / 144)
    assert result.costs[-1] / 144 > 1.2  # log 4 is guessing
    assert transformer.accuracy(result.layers, words.X, words.held_out) < 0.5


def test_held_out_words_take_no_part(words):
    """Other symbols in the words that are held out leave every gradient as it is, bit for bit."""
    rows = np.repeat((words.held_out.reshape(64, 6) >= 0).any(axis=1), 6)
    X = np.where(rows[:, None], words.X[::-1], words.X)
    assert (X != words.X).any()
    layers = [*transformer.network(words.mask).layers, NLL(words.y, ignore_index=-1)]
    for one, other in zip(*(backpropagate(layers, x).gradients for x in (words.X, X)), strict=True):
        for name in one:
            compare.check(one[name], other[name].tolist(), statement="attention.backward",
                          oracle="identity", case=f"words held out, {name}", ulp=16)  # fmt: skip


def self_attention(z, Q, K, V, mask):
    """Loops: the attention of mapped rows."""
    return attention(*(layer_loops.linear(z, W) for W in (Q, K, V)), mask)


def norm(z, gain, bias, eps):
    return [[g * t + b for g, t, b in zip(gain, normalised(row, eps), bias, strict=True)]
            for row in z]  # fmt: skip


def nll(X, Y, embedding, *numbers):
    """Loops, from what the layers hold in their order."""
    z = layer_loops.linear(X, embedding)
    attended = self_attention(norm(z, *numbers[:3]), *numbers[3:7])
    z = added(z, layer_loops.linear(attended, numbers[7]))
    hidden = elementwise(gelu)(layer_loops.linear(norm(z, *numbers[8:11]), *numbers[11:13]))
    z = norm(added(z, layer_loops.linear(hidden, *numbers[13:15])), *numbers[15:18])
    return layer_loops.nll(layer_loops.log_softmax_layer(layer_loops.linear(z, *numbers[18:])), Y)


def added(z, more):
    return [[t + s for t, s in zip(*rows, strict=True)] for rows in zip(z, more, strict=True)]


def test_every_gradient():
    """The cost, and its slope along a direction of each parameter, beside loops at 50 digits."""
    X, y = transformer.words().X[2:6], np.array([-1, 2, 0, 3])
    network = transformer.network(MASK, n=3, hidden=2)
    given = [X, np.eye(5)[y, :4], *layer_loops.held(network)]
    found = backpropagate([*network.layers, NLL(y, ignore_index=-1)], X)
    compare.check(np.float64(found.cost), loops.at(50, nll, *given), oracle="loops",
                  statement="backpropagation.rule_forward", case="transformer", ulp=8)  # fmt: skip
    gradients = [gradient for layer in found.gradients for gradient in layer.values()]
    places = [k for k, part in enumerate(given) if k > 1 and np.shape(part) not in ((), (4, 4))]
    for place, gradient in zip(places, gradients, strict=True):
        way = layer_loops.free_delta(f"transformer, {place}", gradient.shape)

        def along(t, way, *given, place=place):
            shifted = layer_loops.shifted(given[place], way, t)
            return nll(*given[:place], shifted, *given[place + 1 :])

        slope = loops.differences(50, along, (mpf(0), way, *given), 0)
        compare.check((gradient * way).sum(), slope, statement="backpropagation.rule_parameters",
                      oracle="differences", case=f"transformer, {place}", ulp=64)  # fmt: skip


def weighted(*given):
    *arrays, delta = given
    pairs = zip(delta, self_attention(*arrays), strict=True)
    return sum((loops.dot(d, row) for d, row in pairs), mpf(0))


@pytest.mark.parametrize("size", [(4, 3, 2, 3), (2, 2, 3, 1), (3, 3, 3, 3)], ids=str)
def test_self_attention(size):
    """RULES 1 to 3 against loops and their derivatives at 50 digits."""
    N, n, d, m = size
    rng = layer_loops.rng(f"self-attention {size}")
    arrays = [eighths(rng, *shape) for shape in ((N, n), (d, n), (d, n), (m, n))]
    mask, delta = np.tri(N), layer_loops.free_delta(f"self-attention {size}", (N, m))
    z, layer = arrays[0], SelfAttention(*arrays[1:], mask)
    found = {"z": layer.backward(z, delta), **layer.parameter_gradient(z, delta)}
    expected = loops.at(50, self_attention, *arrays, mask)
    compare.check(layer.forward(z), expected, statement="attention.forward", oracle="loops",
                  case=f"self-attention {size}", ulp=32)  # fmt: skip
    for place, (name, actual) in enumerate(found.items()):
        expected = loops.differences(50, weighted, (*arrays, mask, delta), place)
        compare.check(actual, expected, statement="attention.self_attention_backward",
                      oracle="differences", case=f"{name} {size}", ulp=64)  # fmt: skip
    whole = np.array(loops.differences(50, self_attention, (*arrays, mask), 0))
    compare.check(layer.jacobian(z), whole.transpose(2, 3, 0, 1).tolist(), oracle="differences",
                  statement="attention.self_attention_backward", case=f"Jacobian {size}",
                  ulp=64)  # fmt: skip
    several = layer.jacobian(np.stack([z, -z]))
    compare.same(several[1], layer.jacobian(-z))


@pytest.mark.parametrize("size", [(4, 3, 2, 3), (2, 2, 3, 1)], ids=str)
def test_second_order(size):
    """RULES 1 to 3 differentiated along a direction of z and of the three maps; scores of order 1."""
    N, n, d, m = size
    rng = layer_loops.rng(f"self-attention, second order {size}")
    z, *maps = [eighths(rng, *shape, largest=1) for shape in ((N, n), (d, n), (d, n), (m, n))]
    layer, mask = SelfAttention(*maps, np.tri(N)), loops.exact(np.tri(N))
    parameters = dict(zip("QKV", maps, strict=True))
    layer_loops.check_second_order("attention.self_attention_backward", layer, str(size), z,
                                   self_attention, parameters, (mask,), ulp=64)  # fmt: skip


def test_moved_reaches_every_layer():
    """Parameters of layers in chains and sums go by their positions."""
    inner = Linear([[1.0, 2.0], [3.0, 4.0]], [0.0, 0.0])
    layer = Sum([Chain([]), Chain([Chain([inner]), inner])])
    by = {"1.0.W": np.ones((2, 2)), "1.1.b": np.array([5.0, 6.0])}
    first, second = moved(layer, by).layers[1].layers
    compare.same(first.W, inner.W + 1.0)
    compare.same(first.b, inner.b)
    compare.same(second.W, inner.W)
    compare.same(second.b, np.array([5.0, 6.0]))


def test_report():
    lines = list(transformer.report(steps=4))
    assert lines[0] == "48 words to train on, 16 held out"
    assert [line.split(":")[0] for line in lines[1:]] == ["step   0", "step   3", "symbols right"]
