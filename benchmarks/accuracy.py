"""Errors in ulp, ours and those of SciPy, PyTorch and JAX: ``python -m benchmarks.accuracy``.

At least 100,000 inputs for each function, random and adversarial, are held against ball
arithmetic, and the result is written to benchmarks/results/accuracy.json. It runs in the
environment of `make peers`; with ``--cases 2000`` it prints a smaller run and writes nothing.
"""

import argparse
import datetime
import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks import exact_values
from reference_impl import sigmoid, softmax
from reference_impl.engine import logistic, softmax as engine

RESULT = Path(__file__).parent / "results" / "accuracy.json"
SEED = 2021
CASES = 104_000
THINNED = 10  # of the single calls of `nll_and_gradient`, only each tenth case is made
PEERS = ("SciPy", "PyTorch", "JAX")
U = 2.0**-53

SCALARS = ("sigmoid", "log_sigmoid", "softplus", "binary_loss", "binary_residual")
ROWS = ("log_softmax", "softmax", "residual", "loss")
LSE = "logsumexp"


# ------------------------------------------------------------------------------ the inputs


def scalar_inputs(count, rng):
    """Numbers of all sizes: where the functions bend, saturate, become subnormal and underflow."""
    part = count // 8
    edges = [0.0, -0.0, 5e-324, -5e-324, 2.3e-308, -2.3e-308, 709.782712893384, -709.782712893384,
             -708.3964185322641, 745.1332191019411, -745.1332191019411, -745.2, 36.7368005696771,
             -36.7368005696771, 1e308, -1e308, 1.7976931348623157e308, -1.7976931348623157e308]  # fmt: skip
    return np.concatenate(
        [
            edges,
            rng.uniform(-2, 2, part),
            rng.normal(size=part) * 20,
            rng.uniform(-40, 40, part),
            rng.uniform(-750, 750, 2 * part),
            -rng.uniform(708, 746, part),
            rng.choice([-1.0, 1.0], part) * 10.0 ** rng.uniform(-320, 3, part),
            np.arange(part) / 64 - part / 128,  # with few digits
            np.log(rng.integers(1, 1000, part) / 1000.0),
        ]
    )


def _shifted(rows, rng):
    return rows + 10.0 ** rng.uniform(0, 5, (len(rows), 1)) * rng.choice([-1, 1], (len(rows), 1))


def _one_dominant(N, K, rng):
    rows = rng.normal(size=(N, K))
    rows[np.arange(N), rng.integers(0, K, N)] += rng.uniform(10, 750, N)
    return rows


def _subnormal(N, K, rng):
    rows = -rng.uniform(700, 747, (N, K))
    rows[np.arange(N), rng.integers(0, K, N)] = rng.integers(-1, 2, N)
    return rows


def _log_probabilities(N, K, rng):
    return softmax.log_softmax(rng.normal(size=(N, K)) * rng.uniform(0.1, 10, (N, 1)))


def _almost_log_probabilities(N, K, rng):
    """The sum of the exponentials differs from 1 by 1e-1 down to 1e-15."""
    return _log_probabilities(N, K, rng) + 10.0 ** rng.uniform(-15, -0.5, (N, 1))


def _deep_cancellation(N, K, rng):
    """The last logits make up for what the first leave of 1, so that T - 1 is far below 1e-17."""
    rows = np.full((N, K), -np.log(K - 1.0))
    rows[:, :-1] += rng.integers(-3, 4, (N, K - 1)) * 2.0**-53
    missing = -np.expm1(softmax.logsumexp(rows[:, :-1]))
    rows[:, -1] = np.log(np.where(missing > 0, missing, 1e-300))
    return rows


def _tiny_and_opposite(N, K, rng):
    """A largest logit just below 0 and a sum of the others just above: both far below 1e-17."""
    rows = -rng.uniform(50, 735, (N, K))
    rows[:, 0] = -np.exp(softmax.logsumexp(rows[:, 1:])) * rng.uniform(0.5, 2, N)
    return rows


FAMILIES = {
    "moderate": lambda N, K, rng: rng.normal(size=(N, K)) * rng.uniform(0.1, 10, (N, 1)),
    "near zero": lambda N, K, rng: rng.uniform(-2, 0.5, (N, K)),
    "hundreds": lambda N, K, rng: rng.uniform(-375, 375, (N, K)),
    "shifted": lambda N, K, rng: _shifted(rng.normal(size=(N, K)) * 5, rng),
    "ties": lambda N, K, rng: rng.integers(-1, 2, (N, K)) * 10.0 ** rng.uniform(-3, 3, (N, 1)),
    "nearly equal": lambda N, K, rng: _shifted(
        rng.normal(size=(N, K)) * 10.0 ** rng.uniform(-12, 0, (N, 1)), rng
    ),
    "one dominant": _one_dominant,
    "subnormal results": _subnormal,
    "all magnitudes": lambda N, K, rng: (
        rng.choice([-1.0, 1.0], (N, K)) * 10.0 ** rng.uniform(-320, 3, (N, K))
    ),
    "up to 8e307": lambda N, K, rng: rng.choice([-8e307, 1.0, 8e307], (N, K))
    * rng.choice([1.0, 0.5, 1e-300], (N, K)),
    "log-probabilities": _log_probabilities,
    "almost log-probabilities": _almost_log_probabilities,
    "deep cancellation": _deep_cancellation,
    "tiny and opposite": _tiny_and_opposite,
}  # fmt: skip
# Number of classes, and the share of all rows that have it.
CLASSES = {2: 0.36, 3: 0.36, 5: 0.18, 10: 0.08, 40: 0.018, 1000: 0.0005}


def row_inputs(count, rng):
    """(family, matrix of logits, labels) for each family and number of classes."""
    for family, make in FAMILIES.items():
        for K, share in CLASSES.items():
            N = max(1, round(share * count / len(FAMILIES)))
            yield family, make(N, K, rng), rng.integers(0, K, N)


# --------------------------------------------------------------------------- who is compared


def _at_labels(log_p, y):
    return -log_p[np.arange(len(y)), y]


def ours():
    return {
        **{name: getattr(sigmoid, name) for name in SCALARS[:3]},
        "binary_loss": sigmoid.losses,
        "binary_residual": sigmoid.residuals,
        "logsumexp": softmax.logsumexp,
        "log_softmax": lambda z, y: softmax.log_softmax(z),
        "softmax": lambda z, y: softmax.softmax(z),
        "loss": softmax.losses,
        "residual": softmax.residuals,
    }


def one_pass():
    """What `nll_and_gradient` computes for one data point: with x = 1 the logits are the weights."""

    def each(function, part, shape):
        def of(z, y):
            pairs = zip(z, y, strict=True)
            results = [function(np.reshape(w, shape), [[1.0]], [c])[part] for w, c in pairs]
            return np.reshape(results, z.shape if part else len(z))

        return of

    return {
        "binary_loss": each(logistic.nll_and_gradient, 0, (1,)),
        "binary_residual": each(logistic.nll_and_gradient, 1, (1,)),
        "loss": each(engine.nll_and_gradient, 0, (-1, 1)),
        "residual": each(engine.nll_and_gradient, 1, (-1, 1)),
    }


def scipy_functions():
    """What scipy.special has, and for the residuals p - y as textbooks write it."""
    from scipy import special

    return {
        "sigmoid": special.expit,
        "log_sigmoid": special.log_expit,
        "softplus": special.softplus,
        "binary_loss": lambda z, y: -special.log_expit(np.where(y == 1, z, -z)),
        "binary_residual": lambda z, y: special.expit(z) - y,
        "logsumexp": lambda z: special.logsumexp(z, axis=1),
        "log_softmax": lambda z, y: special.log_softmax(z, axis=1),
        "softmax": lambda z, y: special.softmax(z, axis=1),
        "loss": lambda z, y: _at_labels(special.log_softmax(z, axis=1), y),
        "residual": lambda z, y: special.softmax(z, axis=1) - np.eye(z.shape[1])[y],
    }


def torch_functions():
    """torch.nn.functional in float64; the residuals are the gradients of its losses."""
    import torch
    from torch.nn import functional

    def call(function):
        return lambda z, *y: function(torch.from_numpy(z), *map(torch.from_numpy, y)).numpy()

    def gradient(loss):
        def of(z, y):
            z = z.clone().requires_grad_()
            return torch.autograd.grad(loss(z, y).sum(), z)[0]

        return of

    def bce(z, y):
        return functional.binary_cross_entropy_with_logits(z, y.double(), reduction="none")

    def cross_entropy(z, y):
        return functional.cross_entropy(z, y, reduction="none")

    return {
        "sigmoid": call(torch.sigmoid),
        "log_sigmoid": call(functional.logsigmoid),
        "softplus": call(functional.softplus),
        "binary_loss": call(bce),
        "binary_residual": call(gradient(bce)),
        "logsumexp": call(lambda z: torch.logsumexp(z, 1)),
        "log_softmax": call(lambda z, y: torch.log_softmax(z, 1)),
        "softmax": call(lambda z, y: torch.softmax(z, 1)),
        "loss": call(cross_entropy),
        "residual": call(gradient(cross_entropy)),
    }


def jax_functions():
    """jax.nn in float64; the residuals are the gradients of the losses."""
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def bce(z, y):
        return -jax.nn.log_sigmoid(jnp.where(y == 1, z, -z))

    def cross_entropy(z, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(z, axis=1), y[:, None], axis=1)[:, 0]

    def call(function):
        compiled = jax.jit(function)
        return lambda *arguments: np.asarray(compiled(*arguments))

    def gradient(loss):
        return call(jax.grad(lambda z, y: loss(z, y).sum()))

    return {
        "sigmoid": call(jax.nn.sigmoid),
        "log_sigmoid": call(jax.nn.log_sigmoid),
        "softplus": call(jax.nn.softplus),
        "binary_loss": call(bce),
        "binary_residual": gradient(bce),
        "logsumexp": call(lambda z: jax.nn.logsumexp(z, axis=1)),
        "log_softmax": call(lambda z, y: jax.nn.log_softmax(z, axis=1)),
        "softmax": call(lambda z, y: jax.nn.softmax(z, axis=1)),
        "loss": call(cross_entropy),
        "residual": gradient(cross_entropy),
    }


# ------------------------------------------------------------------------- what is measured


@dataclass
class Batch:
    """Inputs of one shape: exact values of each function, and the place on its curve."""

    family: str
    arguments: dict
    exact: dict
    place: dict

    def errors(self, functions, name):
        """The error of each case: of a row, that of its worst entry."""
        with np.errstate(all="ignore"):
            computed = functions[name](*self.arguments[name])
        error = self.exact[name].error(computed)
        return error.max(axis=1) if error.ndim == 2 else error

    def input(self, name, number):
        """A case as it is printed: the logit or logits, and the label if there is one."""
        z, *y = (argument[number] for argument in self.arguments[name])
        uses_label = name in ("binary_loss", "binary_residual", "loss", "residual")
        case = {"family": self.family, "z": z.tolist() if np.size(z) <= 12 else f"{len(z)} logits"}
        return {**case, "y": int(y[0])} if uses_label else case

    def thinned(self, step):
        """Every so many cases."""
        cut = slice(None, None, step)
        return Batch(
            self.family,
            {name: tuple(a[cut] for a in given) for name, given in self.arguments.items()},
            {name: e.part(cut) for name, e in self.exact.items()},
            {name: place[cut] for name, place in self.place.items()},
        )


def scalar_batch(count, rng):
    z = scalar_inputs(count, rng)
    y = rng.integers(0, 2, len(z))
    columns = {name: (z,) for name in SCALARS[:3]} | dict.fromkeys(SCALARS[3:], (z, y))
    values = {
        name: exact_values.exact(
            getattr(exact_values, name), *(column.tolist() for column in columns[name])
        )
        for name in SCALARS
    }
    return Batch("scalar", columns, values, dict.fromkeys(SCALARS, z))


def row_batch(family, z, y):
    K = z.shape[1]
    rows = exact_values.exact(exact_values.rows, z.tolist(), y.tolist())
    columns = [slice(0, K), slice(K, 2 * K), slice(2 * K, 3 * K), 3 * K]
    values = {
        name: rows.part((slice(None), where)) for name, where in zip(ROWS, columns, strict=True)
    }
    values[LSE] = exact_values.exact(exact_values.logsumexp, z.tolist())
    largest = np.sort(z, axis=1)[:, -2:]
    gap = largest[:, 1] - largest[:, 0]
    with np.errstate(divide="ignore"):
        size = np.log10(np.abs(values[LSE].nearest))
    return Batch(
        family,
        {**dict.fromkeys(ROWS, (z, y)), LSE: (z,)},
        values,
        {**dict.fromkeys(ROWS, gap), LSE: size},
    )


def batches(count, seed=SEED):
    """All inputs with their exact values."""
    rng = np.random.default_rng(seed)
    return [scalar_batch(count, rng), *(row_batch(*rows) for rows in row_inputs(count, rng))]


NAMES = (*SCALARS, LSE, *ROWS)


def worst(inputs, functions, name):
    """The largest error of a function and the case that has it."""
    found = (-1.0, None, 0)
    for batch in inputs:
        if name in batch.exact:
            errors = batch.errors(functions, name)
            number = int(errors.argmax())
            if errors[number] > found[0]:
                found = float(errors[number]), batch, number
    error, batch, number = found
    return {"ulp": error, **batch.input(name, number)}


# Axis and edges of the bins of the curves.
CURVES = {
    **dict.fromkeys(SCALARS, ("t", np.linspace(-760, 760, 153))),
    **dict.fromkeys(ROWS, ("gap", np.linspace(0, 760, 77))),
    LSE: ("log10 |result|", np.arange(-20.5, 4)),
}


def curve(inputs, functions, name):
    """The largest error in each bin; None where there is no case."""
    _, edges = CURVES[name]
    largest = np.full(len(edges) - 1, -1.0)
    for batch in inputs:
        if name in batch.exact:
            errors = batch.errors(functions, name)
            bins = np.digitize(batch.place[name], edges) - 1
            inside = (bins >= 0) & (bins < len(largest))
            np.maximum.at(largest, bins[inside], errors[inside])
    return [None if value < 0 else float(f"{value:.4g}") for value in largest.tolist()]


# The rounding-error bounds of Blanchard, Higham and Higham (2021), to first order in u.


def shifted_logsumexp(z):
    """Their algorithm: the largest is left out of the sum, and log1p."""
    top = np.arange(len(z)), z.argmax(axis=1)
    e = np.exp(z - z[top][:, None])
    e[top] = 0.0
    return z[top] + np.log1p(e.sum(axis=1))


def shifted_softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def fractions_of_bounds(inputs):
    """The largest ratio of the relative error to the bound, for their algorithm and for ours.

    That of log-sum-exp leaves out the rounding of the last addition, which is added here: no float
    is nearer to a result of 1e5 than u. The bounds know no underflow, so only normal results count,
    and they are of first order in u, so logits above 1e10 do not.
    """
    found = {
        name: {"plain": 0.0, "ours": 0.0, "cases": 0}
        for name in (LSE, f"{LSE} below 0.1", "softmax")
    }
    for batch in inputs:
        if batch.family == "scalar":
            continue
        z = batch.arguments[LSE][0]
        K = z.shape[1]
        counted = (np.abs(z) < 1e10).all(axis=1)
        largest, smallest = z.max(axis=1), z.min(axis=1)
        y = batch.exact[LSE].nearest
        with np.errstate(all="ignore"):
            bounds = {
                LSE: (1 + np.abs(y + K - smallest) / np.abs(y)) * U,
                "softmax": (K + 2 + 2 * (largest - smallest)) * U,
            }
            for label, name, plain, own, use in (
                (LSE, LSE, shifted_logsumexp(z), softmax.logsumexp(z), counted),
                (
                    f"{LSE} below 0.1",
                    LSE,
                    shifted_logsumexp(z),
                    softmax.logsumexp(z),
                    counted & (np.abs(y) < 0.1),
                ),
                ("softmax", "softmax", shifted_softmax(z), softmax.softmax(z), counted),
            ):
                exact = batch.exact[name]
                normal = np.abs(exact.nearest) > 1e-300
                use = use & (normal.all(axis=1) if normal.ndim == 2 else normal)
                record = found[label]
                record["cases"] += int(use.sum())
                for key, computed in (("plain", plain), ("ours", own)):
                    error = exact.error(computed) * exact.ulp / np.abs(exact.nearest)
                    error = error.max(axis=1) if error.ndim == 2 else error
                    ratio = (error / bounds[name])[use]
                    record[key] = max(record[key], float(ratio.max(initial=0.0)))
    return found


def tabulated(inputs, who):
    """What is stored: for each function the worst case of each, and the curves."""
    functions = {}
    for name in NAMES:
        used = [batch for batch in inputs if name in batch.exact]
        functions[name] = {
            "cases": sum(len(batch.arguments[name][0]) for batch in used),
            "values": sum(batch.exact[name].nearest.size for batch in used),
            "worst": {label: worst(used, table, name) for label, table in who.items()},
            "axis": CURVES[name][0],
            "edges": CURVES[name][1].tolist(),
            "curves": {label: curve(used, table, name) for label, table in who.items()},
        }
        if name in one_pass():
            few = [batch.thinned(THINNED) for batch in used]
            functions[name]["one pass"] = {
                "cases": sum(len(batch.arguments[name][0]) for batch in few),
                **worst(few, one_pass(), name),
            }
    return functions


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="cases of each function")
    count = parser.parse_args().cases
    from benchmarks.speed import machine  # with the libraries that only `make peers` installs

    inputs = batches(count)
    who = {
        "ours": ours(),
        "SciPy": scipy_functions(),
        "PyTorch": torch_functions(),
        "JAX": jax_functions(),
    }
    functions = tabulated(inputs, who)
    bounds = fractions_of_bounds(inputs)
    print(
        f"{'largest error in ulp':22}", *(f"{label:>9}" for label in who), "   cases  worst input"
    )
    for name, record in functions.items():
        errors = (f"{record['worst'][label]['ulp']:9.3g}" for label in who)
        case = {key: value for key, value in record["worst"]["ours"].items() if key != "ulp"}
        print(f"{name:22}", *errors, f"{record['cases']:>8,} ", case)
    for name in one_pass():
        record = functions[name]["one pass"]
        print(f"{name} in nll_and_gradient: {record['ulp']:.3g} ulp, {record['cases']:,} cases")
    for name, record in bounds.items():
        print(f"{name}: at most {record['plain']:.3f} of the bound by the plain shifted algorithm, "
              f"{record['ours']:.3f} by ours, {record['cases']:,} cases")  # fmt: skip
    if count == CASES:
        stored = {
            "date": datetime.date.today().isoformat(),
            "seed": SEED,
            "machine": {"processor": machine()["processor"], "system": platform.system()},
            "versions": {
                "python": platform.python_version(),
                **{name: version(name)
                   for name in ("numpy", "scipy", "torch", "jax", "python-flint")},
            },
            "functions": functions,
            "bounds": bounds,
        }  # fmt: skip
        RESULT.write_text(text(stored), encoding="utf-8")


def text(stored):
    """JSON with a line for each entry and each function; inf is text, as JSON has no such number."""
    functions = [f"  {json.dumps(name)}: {json.dumps(_jsonable(record), allow_nan=False)}"
                 for name, record in stored["functions"].items()]  # fmt: skip
    entries = [f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}"
               for key, value in stored.items() if key != "functions"]  # fmt: skip
    entries.append(' "functions": {\n' + ",\n".join(functions) + "\n }")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _jsonable(value):
    match value:
        case dict():
            return {key: _jsonable(entry) for key, entry in value.items()}
        case list():
            return [_jsonable(entry) for entry in value]
    return "inf" if value == np.inf else value


if __name__ == "__main__":
    main()
