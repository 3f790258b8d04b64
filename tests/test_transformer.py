"""The block of a transformer: it learns, it is deterministic, and every gradient is checked."""

import itertools

import compare
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from mpmath import mpf
from test_attention import attention

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


def test_words(words):
    """64 words; each label is the symbol three rows above, and each is trained or held out."""
    assert words.X.shape == (384, 11) and words.X.sum() == 768
    assert (words.y >= 0).sum() == 144 and (words.held_out >= 0).sum() == 48
    assert not ((words.y >= 0) & (words.held_out >= 0)).any()
    labels, symbols = np.maximum(words.y, words.held_out), words.X[:, :5].argmax(axis=1)
    blank = symbols == 4
    assert (blank == (labels >= 0)).all()
    assert (labels[blank] == symbols[np.flatnonzero(blank) - 3]).all()
    assert len({tuple(row) for row in symbols.reshape(64, 6)}) == 64


def test_mask(words):
    """A row sees its own word, down to itself."""
    i, j = np.nonzero(words.mask)
    assert ((i // 6 == j // 6) & (j <= i)).all() and len(i) == 64 * 21


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


def test_every_gradient():
    """The slope of the cost along random directions of all parameters, by differences."""
    y = np.array([-1, 2, 0, 3])
    layers = transformer.network(MASK, n=6, hidden=5)
    X = transformer.words().X[2:6]
    cost, rng = NLL(y, ignore_index=-1), np.random.default_rng(8)
    found = backpropagate([*layers.layers, cost], X).gradients[:-1]
    for _ in range(5):
        v = [{k: rng.standard_normal(g.shape) for k, g in part.items()} for part in found]

        def at(t, v=v):
            steps = ({k: t * d for k, d in part.items()} for part in v)
            moving = Chain(map(moved, layers.layers, steps))
            return backpropagate([*moving.layers, cost], X).cost

        differences = [(at(h) - at(-h)) / (2 * h) for h in (2.0**-10, 2.0**-11, 2.0**-12)]
        first = [(4 * b - a) / 3 for a, b in itertools.pairwise(differences)]
        slope = (16 * first[1] - first[0]) / 15
        exact = sum(
            (g * part[k]).sum() for own, part in zip(found, v, strict=True) for k, g in own.items()
        )
        compare.agree([mpf(slope)], [mpf(exact)], digits=6)


def self_attention(z, Q, K, V, mask):
    """Loops: the attention of mapped rows."""
    return attention(*(layer_loops.linear(z, W) for W in (Q, K, V)), mask)


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
