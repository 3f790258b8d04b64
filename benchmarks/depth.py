"""Time of a gradient beside that of the cost: ``python -m benchmarks.depth``.

The statement backpropagation.cost counts multiplications: a gradient by all parameters and inputs
needs three times those of the pass forward, forward accumulation 1 + n times for n inputs. Here
both are measured, for networks of several depths and widths and for several numbers of inputs, and
stored in ``benchmarks/results/depth.json``. What is compared takes turns, so that a busy machine
slows all of it; one thread.
"""

import json
import platform
import statistics
import time
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import threadpoolctl

from reference_impl.activations import Sigmoid
from reference_impl.backpropagation import Chain, backpropagate
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL

RESULT = Path(__file__).parent / "results" / "depth.json"
SEED, ROWS, CLASSES, TURNS = 0, 256, 10, 15
DEPTHS, WIDTHS = (1, 2, 4, 8, 16, 32), (32, 128, 512)
INPUTS, HIDDEN, DEPTH = (1, 2, 4, 8, 16, 32, 64), 128, 4


def network(inputs, width, depth, generator):
    """Return the layers of a network with `depth` linear layers, and data points for it."""
    sizes = [inputs, *[width] * (depth - 1), CLASSES]
    layers = []
    for below, above in pairwise(sizes):
        layers += [Linear(generator.standard_normal((above, below)) / below**0.5), Sigmoid()]
    y = generator.integers(CLASSES, size=ROWS)
    return [*layers[:-1], LogSoftmax(), NLL(y)], generator.standard_normal((ROWS, inputs))


def forward_accumulation(layers, x):
    """Return the derivative of each row's log-probabilities by each of its inputs.

    One direction for each input goes up through all layers, together with the values.
    """
    z, dz = x, np.repeat(np.eye(x.shape[1])[:, np.newaxis, :], len(x), axis=1)
    for layer in layers[:-1]:
        match layer:
            case Linear():
                dz = dz @ layer.W.T
            case Sigmoid():
                dz = dz * layer.derivative(z)
            case LogSoftmax():
                p = np.exp(layer.forward(z))
                dz = dz - (p * dz).sum(axis=-1, keepdims=True)
        z = layer.forward(z)
    return dz


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def medians(functions):
    """Median time of each function, called in turn."""
    for function in functions:
        function()
    turns = [[seconds(function) for function in functions] for _ in range(TURNS)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def measured(inputs, width, depth, *, accumulate):
    """Return sizes and times of one network as a record."""
    layers, x = network(inputs, width, depth, np.random.default_rng(SEED))
    chain = Chain(layers)
    functions = [lambda: chain.forward(x), lambda: backpropagate(chain, x)]
    if accumulate:
        functions.append(lambda: forward_accumulation(layers, x))
    names = ("forward", "gradient", "forward_accumulation")
    times = dict(zip(names, medians(functions), strict=False))
    return {"inputs": inputs, "width": width, "depth": depth, "seconds": times}


def main():
    with threadpoolctl.threadpool_limits(1):
        [blas] = [lib for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"][:1]
        result = {
            "schema": 1,
            "date": date.today().isoformat(),
            "machine": {"processor": platform.machine(), "system": platform.system(), "threads": 1},
            "versions": {"python": platform.python_version(), "numpy": np.__version__},
            "blas": {key: blas.get(key) for key in ("internal_api", "version", "architecture")},
            "seed": SEED,
            "data_points": ROWS,
            "turns": TURNS,
            "depth_and_width": [
                measured(width, width, depth, accumulate=False)
                for width in WIDTHS
                for depth in DEPTHS
            ],
            "inputs": [measured(inputs, HIDDEN, DEPTH, accumulate=True) for inputs in INPUTS],
        }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
