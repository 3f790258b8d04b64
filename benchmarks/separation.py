"""What libraries return where no estimate exists: ``python -m benchmarks.separation``.

Data sets with and without an estimate are given to scikit-learn at several tolerances and to
statsmodels. What comes back, coefficients, flags and warnings, is stored beside the verdict of
`reference_impl.engine.separation` in benchmarks/results/separation.json. It runs in the environment of
`make peers`.
"""

import json
import platform
import time
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression

from reference_impl import data
from reference_impl.engine import separation

RESULT = Path(__file__).parent / "results" / "separation.json"
SEED = 0
TOLERANCES = (1e-4, 1e-8, 1e-12)  # the first is the default
MOST_STEPS = 500
PACKAGES = ("numpy", "scipy", "scikit-learn", "statsmodels")


def with_intercept(*columns):
    return np.column_stack([np.ones(len(columns[0])), *columns])


def indicator():
    """A treatment after which all ten patients recover, beside one feature that overlaps."""
    rng = np.random.default_rng(SEED)
    X = with_intercept(np.repeat([0.0, 1.0], [50, 10]), rng.normal(size=60).round(2))
    y = (X[:, 2] + rng.logistic(size=60) > 0).astype(int)
    return X, np.where(X[:, 1] == 1, 1, y)


def breast_cancer():
    table = load_breast_cancer()
    return with_intercept(table.data), table.target


def iris():
    table = load_iris()
    return with_intercept(table.data), table.target


def sets():
    """Name, design matrix, labels and number of classes of each data set."""
    six = np.arange(6.0)
    return [
        ("gap", with_intercept(six), np.array([0, 0, 0, 1, 1, 1]), 2),
        ("tie", with_intercept([0.0, 1.0, 2.0, 2.0, 4.0, 5.0]), np.array([0, 0, 0, 1, 1, 1]), 2),
        ("indicator", *indicator(), 2),
        ("breast cancer", *breast_cancer(), 2),
        ("spector", *data.spector()[:2], 2),
        ("three groups", with_intercept(six), np.array([0, 0, 1, 1, 2, 2]), 3),
        ("iris", *iris(), 3),
        ("iris without setosa", iris()[0][50:], iris()[1][50:] - 1, 2),
    ]


def answer(library, setting, fit):
    """Run a fit and keep what it returned, what it warned of, and what it raised."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            coefficients, errors, converged = fit()
            raised = None
        except Exception as problem:  # whatever it raises is what it says
            coefficients, errors, converged = None, None, None
            raised = f"{type(problem).__name__}: {problem}"
    return {
        "library": library,
        "setting": setting,
        "largest_coefficient": largest(coefficients),
        "largest_standard_error": largest(errors),
        "says_converged": converged,
        "warnings": sorted({f"{w.category.__name__}: {first_line(w)}" for w in said}),
        "raised": raised,
    }


def first_line(warning):
    return str(warning.message).strip().splitlines()[0]


def largest(values):
    """Return the largest magnitude, as text if it is not finite (JSON has no such numbers)."""
    if values is None:
        return None
    value = float(np.abs(np.asarray(values, dtype=float)).max())
    return value if np.isfinite(value) else str(value)


def scikit_learn(X, y, solver, tolerance):
    """Fit without penalty; it says that it did not converge by a warning only."""

    def fit():
        model = LogisticRegression(
            C=np.inf, fit_intercept=False, solver=solver, tol=tolerance, max_iter=MOST_STEPS
        ).fit(X, y)
        return model.coef_, None, bool(np.max(model.n_iter_) < MOST_STEPS)

    return fit


def stats_models(X, y, K, method):
    def fit():
        model = sm.Logit(y, X) if K == 2 else sm.MNLogit(y, X)
        found = model.fit(method=method, maxiter=MOST_STEPS, disp=0)
        return found.params, found.bse, bool(found.mle_retvals["converged"])

    return fit


def verdict(X, y, K):
    start = time.process_time()
    found = separation.binary(X, y) if K == 2 else separation.multinomial(X, y, K)
    seconds = time.process_time() - start
    names, counts = np.unique(found.limits if K == 2 else found.limits[1:], return_counts=True)
    return {
        "kind": found.kind,
        "separated": int(found.separated.sum()),
        "rows": int(found.separated.size if K == 2 else found.separated.size - len(X)),
        "limits": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "seconds": seconds,
    }


def compare(name, X, y, K):
    print(name, flush=True)
    answers = [
        answer("scikit-learn", f"{solver}, tol = {tol:g}", scikit_learn(X, y, solver, tol))
        for solver in ("lbfgs", "newton-cholesky")
        for tol in TOLERANCES
    ]
    model = "Logit" if K == 2 else "MNLogit"
    answers += [
        answer("statsmodels", f"{model}, {method}", stats_models(X, y, K, method))
        for method in ("newton", "bfgs")
    ]
    return {
        "name": name,
        "shape": list(X.shape),
        "classes": K,
        "verdict": verdict(X, y, K),
        "answers": answers,
    }


def main():
    results = {
        "date": date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "seed": SEED,
        "tolerances": TOLERANCES,
        "most_steps": MOST_STEPS,
        "sets": [compare(*one) for one in sets()],
    }
    RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"written: {RESULT.name}")


if __name__ == "__main__":
    main()
