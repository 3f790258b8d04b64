"""Time of a fit beside scikit-learn and statsmodels: ``python -m benchmarks.fits``.

Every library fits the same data, to the end: the gradient that it leaves is measured by the same
formula and stored with the time, in the metric of the standard errors, (g.H^-1 g)^(1/2), which
does not depend on how columns are scaled. The libraries take turns, so that a busy machine slows
all of them; one thread. The result is ``benchmarks/results/fits.json``.
"""

import importlib.metadata
import json
import platform
import statistics
import time
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import statsmodels.api as sm
import threadpoolctl
from sklearn.linear_model import LogisticRegression

from reference_impl import identification
from reference_impl.engine import estimation, logistic, softmax

RESULT = Path(__file__).parent / "results" / "fits.json"
SEED, TURNS = 0, 5
SHAPES = {  # N, n, K, and the powers of ten by which columns are scaled
    "binary": (100_000, 20, 2, 0),
    "softmax": (20_000, 20, 5, 0),
    "softmax, badly scaled columns": (20_000, 20, 5, 3),
}


def data(N, n, K, powers):
    """Return X with a column of ones and labels drawn from the model."""
    generator = np.random.default_rng(SEED)
    X = generator.standard_normal((N, n))
    X[:, 0] = 1.0
    W = generator.standard_normal((K, n)) / n**0.5
    y = (X @ W.T + generator.gumbel(size=(N, K))).argmax(axis=1)
    return X * 10.0 ** generator.uniform(-powers, powers, n), y


def ours(X, y, K):
    """Return W (K x n), the first row zero, with standard errors by the way."""
    if K == 2:
        w = estimation.newton(X, y).w
        return np.stack([np.zeros_like(w), w])
    return estimation.multinomial(X, y, K, reference=0).w


def scikit_learn(solver):
    """Return the fit by a solver; without penalty, to the smallest gradient that it reaches."""

    def fit(X, y, K):
        model = LogisticRegression(
            C=np.inf, fit_intercept=False, solver=solver, tol=1e-10, max_iter=5_000
        ).fit(X, y)
        W = model.coef_
        return np.vstack([np.zeros_like(W), W]) if K == 2 else W

    return fit


def statsmodels(X, y, K):
    """Return the fit by Newton's method, with standard errors by the way."""
    model = sm.Logit(y, X) if K == 2 else sm.MNLogit(y, X)
    parameters = model.fit(method="newton", maxiter=100, tol=1e-10, disp=0).params
    rows = np.asarray(parameters).reshape(X.shape[1], -1).T
    return np.vstack([np.zeros(X.shape[1]), rows])


LIBRARIES = {
    "this project": ours,
    "scikit-learn, newton-cholesky": scikit_learn("newton-cholesky"),
    "scikit-learn, lbfgs": scikit_learn("lbfgs"),
    "statsmodels": statsmodels,
}


def left(W, X, y, K):
    """Return (g.H^-1 g)^(1/2) at W: how many standard errors are left to go, about.

    Computed in columns of equal size, with the first class as the reference.
    """
    scale = np.abs(X).max(axis=0)
    W, X = identification.reference_class(W * scale), X / scale
    if K == 2:
        g, H = logistic.nll_gradient(W[1], X, y), logistic.nll_hessian(W[1], X, y)
    else:
        M = identification.reference_class_coding(K)
        g = identification.code_gradient(M, softmax.nll_gradient(W, X, y)).ravel()
        H = identification.code_hessian(M, softmax.nll_hessian(W, X, y)).reshape(g.size, g.size)
    return float(np.sqrt(g @ np.linalg.solve(H, g)))


def seconds(function, *arguments):
    """Return the time of a call, its result, and what it warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        start = time.perf_counter()
        result = function(*arguments)
        spent = time.perf_counter() - start
    return spent, result, sorted({" ".join(str(w.message).split())[:120] for w in said})


def measured(N, n, K, powers):
    """Return a row for each library: median time, gradient left, warnings."""
    X, y = data(N, n, K, powers)
    start = left(np.zeros((K, n)), X, y, K)
    times = {name: [] for name in LIBRARIES}
    found = {}
    for _ in range(TURNS):
        for name, function in LIBRARIES.items():
            spent, W, said = seconds(function, X, y, K)
            times[name].append(spent)
            found[name] = W, said
    return [
        {
            "library": name,
            "seconds": statistics.median(times[name]),
            "fastest": min(times[name]),
            "left": left(found[name][0], X, y, K),
            "left_of_start": left(found[name][0], X, y, K) / start,
            "said": found[name][1],
        }
        for name in LIBRARIES
    ]


def main():
    with threadpoolctl.threadpool_limits(1):
        blas = next(
            library
            for library in threadpoolctl.threadpool_info()
            if library["user_api"] == "blas" and "numpy" in library["filepath"]
        )
        problems = []
        print(f"median of {TURNS} turns, 1 thread, kernel {blas['architecture']}")
        for name, (N, n, K, powers) in SHAPES.items():
            rows = measured(N, n, K, powers)
            problems.append(
                {"problem": name, "N": N, "n": n, "K": K, "powers": powers, "fits": rows}
            )
            print(f"{name}: {N:,} x {n}, K = {K}")
            for row in rows:
                ratio = row["seconds"] / rows[0]["seconds"]
                print(
                    f"  {row['library']:30} {1e3 * row['seconds']:10.2f} ms {ratio:8.2f}   "
                    f"left {row['left_of_start']:8.1e} of the start   {'; '.join(row['said'])}"
                )
    stored = {
        "date": date.today().isoformat(),
        "seed": SEED,
        "turns": TURNS,
        "threads": 1,
        "machine": platform.machine(),
        "kernel": blas["architecture"],
        "versions": {
            "python": platform.python_version(),
            **{
                p: importlib.metadata.version(p)
                for p in ("numpy", "numba", "scikit-learn", "statsmodels")
            },
        },
        "problems": problems,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
