"""Write the test vectors: plain loops at 50 digits, checked at twice as many.

Run it as ``python tests/vectors/generate.py``; with ``--check`` it only compares the files with
what it would write. It imports neither the derivations nor the implementation.
"""

import json
import pathlib
import sys

import numpy as np
from mpmath import mp

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

import designs  # noqa: E402
import loops  # noqa: E402

FLAGS = {
    "absent class": "a class has no data point",
    "duplicate column": "two columns of X are equal, so that the Hessian is singular",
    "full mantissa": "entries with 53 random bits: X w is rounded",
    "large w": "coefficients of the order 100",
    "saturated": "a probability within 1e-13 of 0 or 1, or a result that is subnormal",
    "soft labels": "y is any real number; a function for labels 0 and 1 must refuse it",
    "square": "all sizes are equal: a missing transpose is not a shape error",
    "ties": "equal rows, or equal largest logits",
    "unbalanced": "one class has most of the data points",
    "weights": "sample weights, a zero among them",
    "zeros": "exact zeros in X, w or t",
}


def scalar_tests(loop):
    groups = [
        ("zero", ["zeros"], [0.0]),
        ("moderate", [], [-3.5, -1.0, -0.125, 1e-9, 0.1, 1.0, 2.75, 20.5]),
        ("saturated", ["saturated"], [30.0, -30.0, 40.0, -40.0, 300.0, -300.0, 700.0, -700.0]),
        ("subnormal", ["saturated"], [-709.0, -720.25, -740.0, -745.0]),
    ]
    for comment, flags, t in groups:
        yield comment, flags, {"t": np.array(t)}, loops.at(400, loop, t)


def logistic_tests(loop, direction=False):
    for design in designs.LOGISTIC:
        more = {"v": design.v} if direction else {}
        values = {"w": design.w, "X": design.X, "y": design.y, **more}
        output = loops.at(design.digits, loop, *values.values(), design.s)
        if design.s is not None:
            values["sample_weight"] = design.s
        yield design.name, design.flags, values, output


def soft_tests(loop):
    for N, n in [(1, 2), (3, 3), (5, 2)]:
        rng = np.random.default_rng(N)
        values = {
            "w": designs.eighths(rng, n),
            "X": designs.eighths(rng, N, n),
            "y": designs.eighths(rng, N),
        }
        flags = ["soft labels", "square"] if N == n else ["soft labels"]
        yield f"soft labels N={N} n={n}", flags, values, loops.at(80, loop, *values.values())


def softmax_tests(loop, direction=False):
    for design in designs.SOFTMAX:
        more = {"V": design.V} if direction else {}
        values = {"W": design.W, "X": design.X, "y": design.y, **more}
        output = loops.at(
            design.digits, loop, design.W, design.X, design.Y, *more.values(), design.s
        )
        if design.s is not None:
            values["sample_weight"] = design.s
        yield design.name, design.flags, values, output


def logit_tests(loop):
    groups = [
        ("two classes", [], [0.5, -1.25]),
        ("three classes", [], [1.0, 2.0, 3.0]),
        ("all equal", ["ties"], [0.125, 0.125, 0.125, 0.125]),
        ("two largest", ["ties"], [2.0, -1.5, 2.0]),
        ("zeros", ["zeros", "ties"], [0.0, 0.0]),
        ("confident", ["saturated"], [0.0, 40.0]),
        ("z=30", ["saturated"], [30.0, 0.0, -1.0]),
        ("z=300", ["saturated"], [-300.0, 0.5, 1.0]),
        ("z=700", ["saturated"], [700.0, 0.0, -5.0]),
        ("large and close", [], [1000.0, 1000.5, 999.0]),
        ("large and negative", [], [-2000.25, -2000.0]),
        ("inexact difference", ["full mantissa", "saturated"], [-300.1, 400.3, 12.7]),
    ]
    for comment, flags, z in groups:
        digits = 50 + int((max(z) - min(z)) / np.log(10))
        yield comment, flags, {"z": np.array(z)}, loops.at(digits, loop, z)


def files():
    yield "sigmoid.stable", scalar_tests(loops.sigmoid_all)
    yield "sigmoid.log_sigmoid", scalar_tests(loops.log_sigmoid_all)
    yield "sigmoid.softplus", scalar_tests(loops.softplus_all)
    yield (
        "logistic.nll",
        [*logistic_tests(loops.logistic_nll), *soft_tests(loops.logistic_nll)],
    )
    yield (
        "logistic.nll_gradient",
        [*logistic_tests(loops.logistic_nll_gradient), *soft_tests(loops.logistic_nll_gradient)],
    )
    yield "logistic.nll_hessian", logistic_tests(loops.logistic_nll_hessian)
    yield "logistic.nll_hvp", logistic_tests(loops.logistic_nll_hvp, direction=True)
    yield "softmax.definition", logit_tests(loops.softmax)
    yield "log_softmax.forward", logit_tests(loops.log_softmax)
    yield "softmax.shift_invariance", logit_tests(loops.logsumexp)
    yield "softmax.nll", softmax_tests(loops.softmax_nll)
    yield "softmax.nll_gradient", softmax_tests(loops.softmax_nll_gradient)
    yield "softmax.nll_hessian", softmax_tests(loops.softmax_nll_hessian)
    yield "softmax.nll_hvp", softmax_tests(loops.softmax_nll_hvp, direction=True)


def content(statement, tests):
    records = [
        {
            "id": number,
            "comment": comment,
            "flags": sorted(flags),
            "input": {name: value.tolist() for name, value in values.items()},
            "output": text(output),
        }
        for number, (comment, flags, values, output) in enumerate(tests, start=1)
    ]
    used = sorted({flag for record in records for flag in record["flags"]})
    head = {
        "schema": 1,
        "statement": statement,
        "digits": 50,
        "flags": {flag: FLAGS[flag] for flag in used},
    }
    # One line a test: the files stay short, and a difference shows which test changed.
    lines = ",\n".join("  " + json.dumps(record) for record in records)
    return json.dumps(head, indent=1)[:-2] + f',\n "tests": [\n{lines}\n ]\n}}\n'


def text(value):
    if isinstance(value, list):
        return [text(entry) for entry in value]
    return mp.nstr(value, 50, min_fixed=-5, max_fixed=5)


def main(check):
    stale = 0
    for statement, tests in files():
        path = FOLDER / f"{statement}.json"
        new = content(statement, tests)
        if check:
            same = path.exists() and path.read_text(encoding="utf-8") == new
            stale += not same
            print(f"{path.name}: {'up to date' if same else 'differs'}")
        else:
            path.write_text(new, encoding="utf-8")
            print(f"{path.name}: {len(new)} bytes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
