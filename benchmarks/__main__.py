"""Time of the loss and its gradient, beside textbook NumPy: ``python -m benchmarks``.

The two take turns, so that a busy machine slows both; only the ratio of the medians counts.
"""

import statistics
import time

import numpy as np
import threadpoolctl

from reference_impl import logistic

SHAPES = ((1_000, 10), (100_000, 20), (1_000_000, 20), (100_000, 100))
TURNS = 15


def textbook(w, X, y):
    """Sum of softplus(z) - y z, and X^T (p - y), as one writes them down."""
    z = X @ w
    return np.sum(np.logaddexp(0, z) - y * z), X.T @ (1 / (1 + np.exp(-z)) - y)


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def medians(functions, arguments):
    """Median time of each function, called in turn on the same arguments."""
    for function in functions:
        function(*arguments)
    turns = [[seconds(function, *arguments) for function in functions] for _ in range(TURNS)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def main():
    for library in threadpoolctl.threadpool_info():
        print(library["internal_api"], library["version"], "kernel", library.get("architecture"),
              "threads", library["num_threads"])  # fmt: skip
    print(f"median of {TURNS} alternating calls, milliseconds")
    print(f"{'N':>9} {'n':>5} {'nll_and_gradient':>17} {'textbook':>9} {'ratio':>6}")
    generator = np.random.default_rng(0)
    for rows, columns in SHAPES:
        X = generator.standard_normal((rows, columns))
        w = generator.standard_normal(columns) / columns**0.5
        y = (generator.random(rows) < 0.5).astype(float)
        ours, theirs = medians((logistic.nll_and_gradient, textbook), (w, X, y))
        times = f"{1e3 * ours:>17.3f} {1e3 * theirs:>9.3f} {theirs / ours:>6.2f}"
        print(f"{rows:>9,} {columns:>5} {times}")


if __name__ == "__main__":
    main()
