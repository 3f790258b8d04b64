"""A worked example: a network with one hidden layer learns handwritten digits.

x (64 pixels) - ``Linear`` - ``Tanh`` - ``Linear`` - ``LogSoftmax`` - ``NLL`` (10 classes), trained
by gradient descent with momentum on all training images at once. Nothing is tuned for the
highest accuracy: what counts is that every gradient comes from the three rules.

``python -m reference_impl.handwritten_digits`` trains it and prints how the NLL falls.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_impl.activations import Tanh
from reference_impl.arguments import Array
from reference_impl.backpropagation import Chain
from reference_impl.layer import Layer
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL
from reference_impl.training import train

HELD_OUT = 450  # the last images


@dataclass(frozen=True, eq=False)
class Split:
    """Images X (N x 64, entries 0 to 1) with labels y 0..9, to train on and held out.

    Examples
    --------
    >>> from reference_impl.handwritten_digits import load
    >>> data = load()
    >>> data.X.shape, data.held_out_X.shape
    ((1347, 64), (450, 64))
    """

    X: Array
    y: NDArray[np.int64]
    held_out_X: Array
    held_out_y: NDArray[np.int64]


def load() -> Split:
    """Read the 1797 images; the last `HELD_OUT` are held out.

    Examples
    --------
    >>> from reference_impl.handwritten_digits import load
    >>> float(load().X.max()), load().y[:4].tolist()
    (1.0, [0, 1, 2, 3])
    """
    source = resources.files("reference_impl.data").joinpath("digits.csv.gz").read_bytes()
    lines = gzip.decompress(source).decode().splitlines()
    table = np.loadtxt(lines, delimiter=",", comments="#")
    X, y = table[:, :64] / 16.0, table[:, 64].astype(np.int64)
    return Split(X[:-HELD_OUT], y[:-HELD_OUT], X[-HELD_OUT:], y[-HELD_OUT:])


def network(n: int, hidden: int, classes: int, seed: int = 0) -> Chain:
    """Return untrained layers from n features to log-probabilities.

    The weights are normal with variance 1/n and 1/hidden, so that z keeps its size; biases are 0.
    The generator of the seed draws the first layer, then the second, row by row.

    Examples
    --------
    >>> from reference_impl.handwritten_digits import network
    >>> [type(layer).__name__ for layer in network(64, hidden=32, classes=10).layers]
    ['Linear', 'Tanh', 'Linear', 'LogSoftmax']
    """
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(hidden, n)) / np.sqrt(n)
    second = rng.normal(size=(classes, hidden)) / np.sqrt(hidden)
    return Chain(
        [Linear(first, np.zeros(hidden)), Tanh(), Linear(second, np.zeros(classes)), LogSoftmax()]
    )


def accuracy(layers: Layer, X: Array, y: ArrayLike) -> float:
    """Return the part of the images whose most probable digit is the label.

    Examples
    --------
    >>> from reference_impl.backpropagation import Chain
    >>> from reference_impl.handwritten_digits import accuracy
    >>> accuracy(Chain([]), [[3.0, 1.0], [2.0, 0.0]], [0, 1])
    0.5
    """
    return float(np.mean(layers.forward(X).argmax(axis=1) == np.asarray(y)))


def report(hidden: int = 32, steps: int = 300, rate: float = 0.5) -> Iterator[str]:
    """Train on the digits and yield what happened, line by line.

    Examples
    --------
    >>> from reference_impl.handwritten_digits import report
    >>> next(report(hidden=2, steps=1))
    '1347 images to train on, 450 held out; 2 hidden units'
    """
    digits = load()
    untrained = network(digits.X.shape[1], hidden, 10)
    N = len(digits.y)
    training = train(untrained, NLL(digits.y), digits.X, steps=steps, rate=rate / N)
    yield f"{N} images to train on, {HELD_OUT} held out; {hidden} hidden units"
    for step in sorted({0, *(10**power for power in range(1, 6)), steps - 1}):
        if step < steps:
            yield f"step {step:4}: NLL / N = {training.costs[step] / N:.4f}"
    seen = accuracy(training.layers, digits.X, digits.y)
    held_out = accuracy(training.layers, digits.held_out_X, digits.held_out_y)
    yield f"accuracy: {seen:.3f} in training, {held_out:.3f} held out"


if __name__ == "__main__":
    print("\n".join(report()))
