"""A worked example: one block of a transformer learns to copy.

Each position is a row. ``z + SelfAttention(LayerNorm(z))``, then ``z + MLP(LayerNorm(z))`` with an
MLP of ``Linear``, GELU, ``Linear``; then ``LayerNorm``, ``Linear``, ``LogSoftmax`` and ``NLL``.
Sequences stand below one another in one matrix, and the mask hides those of the others.

``python -m reference_impl.transformer`` trains it and prints how the NLL falls.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array
from reference_impl.attention import SelfAttention
from reference_impl.backpropagation import Chain, Sum
from reference_impl.gates import GELU
from reference_impl.layer import Layer
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL
from reference_impl.normalisation import LayerNorm
from reference_impl.training import train

SYMBOLS, LENGTH = 4, 3
TRAINED = 48  # of the 64 words


def block(n: int, head: int, hidden: int, mask: Array, rng: np.random.Generator) -> list[Layer]:
    """Return an untrained block of a transformer, n features to n, with the norms first.

    Weights are standard normals / sqrt(columns), row by row, in the order Q, K, V, the map after the
    attention, up, down; gains are 1, biases 0.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.transformer import block
    >>> len(block(4, head=2, hidden=8, mask=np.tri(3), rng=np.random.default_rng(0)))
    2
    """
    Q, K, V = _normal(rng, head, n), _normal(rng, head, n), _normal(rng, head, n)
    attention: list[Layer] = [_norm(n), SelfAttention(Q, K, V, mask), Linear(_normal(rng, n, head))]
    up = Linear(_normal(rng, hidden, n), np.zeros(hidden))
    down = Linear(_normal(rng, n, hidden), np.zeros(n))
    return [
        Sum([Chain([]), Chain(attention)]),
        Sum([Chain([]), Chain([_norm(n), up, GELU, down])]),
    ]


def network(mask: Array, n: int = 16, hidden: int = 32, seed: int = 0) -> Chain:
    """Return the untrained network from one-hot rows to log-probabilities of the symbols.

    The generator of the seed draws the embedding, twice as large, the last layer, and the block.

    Examples
    --------
    >>> from reference_impl.transformer import network, words
    >>> data = words()
    >>> network(data.mask).forward(data.X).shape[0] == len(data.X)
    True
    """
    rng = np.random.default_rng(seed)
    embedding = Linear(2.0 * _normal(rng, n, SYMBOLS + 1 + 2 * LENGTH))
    last = Linear(_normal(rng, SYMBOLS, n), np.zeros(SYMBOLS))
    return Chain([embedding, *block(n, n, hidden, mask, rng), _norm(n), last, LogSoftmax()])


@dataclass(frozen=True, eq=False)
class Words:
    """All words of three symbols, each followed by three blanks: at the j-th, copy the j-th symbol.

    Attributes
    ----------
    X : float64 array, shape (N, 11)
        A row for each position: its symbol or blank, and its place in the word, both one-hot.
    y, held_out : int64 array, shape (N,)
        Labels of the words to train on, and of the others; -1 where a row has none.
    mask : float64 array, shape (N, N)
        1 where a row may see another: one of its own word that is not below it. So a word that is
        held out takes no part in any gradient.

    Examples
    --------
    >>> from reference_impl.transformer import words
    >>> data = words()
    >>> bool(((data.y >= 0) & (data.held_out >= 0)).any())
    False
    """

    X: Array
    y: NDArray[np.int64]
    held_out: NDArray[np.int64]
    mask: Array


def words(seed: int = 0) -> Words:
    """Return all words, in lexicographic order, a random quarter of them held out.

    Word k is one to train on if entry k of the generator's permutation of all is below 48.

    Examples
    --------
    >>> from reference_impl.transformer import words
    >>> data = words()
    >>> data.X.shape[1], data.X.shape[0] == len(data.y) == len(data.mask)
    (11, True)
    """
    every = np.array(list(itertools.product(range(SYMBOLS), repeat=LENGTH)))
    count, T, none = len(every), 2 * LENGTH, np.full_like(every, -1)
    symbols = np.eye(SYMBOLS + 1)[np.hstack([every, np.full_like(every, SYMBOLS)])]
    X = np.hstack([symbols.reshape(count * T, -1), np.tile(np.eye(T), (count, 1))])
    trained = np.random.default_rng(seed).permutation(count)[:, None] < TRAINED
    y, held_out = (np.hstack([none, np.where(part, every, -1)]) for part in (trained, ~trained))
    mask = np.kron(np.eye(count), np.tri(T))
    return Words(X, y.ravel(), held_out.ravel(), np.asarray(mask, dtype=np.float64))


def accuracy(layers: Layer, X: Array, y: NDArray[np.int64]) -> float:
    """Return the part of the labels, where there are any, that are the most probable symbols.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.backpropagation import Chain
    >>> from reference_impl.transformer import accuracy
    >>> accuracy(Chain([]), np.eye(2), np.array([0, -1]))
    1.0
    """
    return float(np.mean((layers.forward(X).argmax(axis=1) == y)[y >= 0]))


def report(steps: int = 100, rate: float = 0.1) -> Iterator[str]:
    """Train on the words and yield what happened, line by line.

    Examples
    --------
    >>> from reference_impl.transformer import report
    >>> next(report(steps=1))
    '48 words to train on, 16 held out'
    """
    given = words()
    labels = int(np.sum(given.y >= 0))
    cost = NLL(given.y, ignore_index=-1)
    trained = train(network(given.mask), cost, given.X, steps=steps, rate=rate / labels)
    yield f"{TRAINED} words to train on, {SYMBOLS**LENGTH - TRAINED} held out"
    for step in sorted({step for step in (0, 3, 10, 30, steps - 1) if step < steps}):
        yield f"step {step:3}: NLL / label = {trained.costs[step] / labels:.4f}"
    right = [accuracy(trained.layers, given.X, y) for y in (given.y, given.held_out)]
    yield f"symbols right: {right[0]:.3f} in training, {right[1]:.3f} held out"


def _normal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Normal weights with variance 1 / columns, so that z keeps its size."""
    return rng.normal(size=(rows, columns)) / np.sqrt(columns)


def _norm(n: int) -> LayerNorm:
    return LayerNorm(np.ones(n), np.zeros(n))


if __name__ == "__main__":
    print("\n".join(report()))
