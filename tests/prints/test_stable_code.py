"""The code that is copied, where the formulas as they are derived overflow, underflow or cancel.

Each number is compared with the statement at many digits, wherever a float can hold it.
"""

import warnings

import generated
import numpy as np
import pytest
from mpmath import mp, mpf

from derivations.language.terms import Array
from derivations.prints import codegen, numpy_code

# What the sigmoids and exponentials of the statements are taken of is made of these.
HOT = {"t", "r", "m", "z", "Z", "w", "W", "w_0", "z_1", "z_2", "w_1", "w_2", "free", "gamma"}
SCALES = {"0": 0.0, "36": 36.0, "700": 700.0, "800": 800.0, "1e300": 1e300}
DIGITS = {"0": 50, "36": 400, "700": 3000, "800": 3000, "1e300": 100}
SHAPES = {"few": {"N": 3, "K": 3, "M": 3, "n": 2}, "one": dict.fromkeys("NKMn", 1)}

RELATIVE = 1e-12
LARGEST, SMALLEST = np.finfo(float).max, np.finfo(float).tiny


def numbers(arguments, sizes, scale):
    """Numbers of which sums and differences are exact, ties and opposite signs among them."""
    fixed = generated.numbers(arguments, sizes)
    count = 0

    def fill(array, value):
        nonlocal count
        if isinstance(value, list):
            return [fill(array, inner) for inner in value]
        count += 1
        if array.name in HOT and array.domain in ("real", "nonnegative"):
            sign = (1, -1, 0, 1, 1, -1)[count % 6]
            return scale * (abs(sign) if array.domain == "nonnegative" else sign)
        return value if array.domain == "label" else round(value * 64 + 0.5) / 64

    given = {array.name: fill(array, fixed[array.name]) for array in arguments}
    return {name: one_hot(value) if name == "Y" else value for name, value in given.items()}


def one_hot(rows):
    """The indicators of labels that go round."""
    return [[float(a == i % len(row)) for a in range(len(row))] for i, row in enumerate(rows)]


def exact(line, arrays, sizes, scale):
    """The value of the line as it is derived; at 1e300, of the form that does not cancel."""
    shown = codegen.stably(line) if scale == "1e300" else line
    value = generated.table(shown.term, line.at, arrays, sizes, DIGITS[scale])
    return np.array(value, dtype=object)


def wrong(actual, expected):
    """The largest error where a float can hold the value; None where there is no such place."""
    errors = [
        abs(mpf(float(a)) - e) / max(abs(e), SMALLEST / RELATIVE) if np.isfinite(a) else mp.inf
        for a, e in zip(np.ravel(actual), expected.ravel(), strict=True)
        if abs(e) <= LARGEST
    ]
    return float(max(errors, default=0))


@pytest.mark.parametrize("sizes", SHAPES)
@pytest.mark.parametrize("name", generated.WITH_CODE)
def test_numpy(name, sizes, tmp_path):
    source = numpy_code.numpy_code(generated.STATEMENTS[name], name)
    module = generated.load(source, tmp_path / "code.py")
    failures = {}
    for (statement, called), line in generated.RESULTS.items():
        if statement != name:
            continue
        arguments = codegen.line_arguments(line)
        shown = generated.sizes_for(arguments, SHAPES[sizes])
        for scale, size in SCALES.items():
            arrays = numbers([a for a in arguments if isinstance(a, Array)], shown, size)
            given = [
                generated.argument(wanted, arrays, shown)
                for wanted in codegen.line_arguments(codegen.stably(line))
            ]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                actual = getattr(module, called)(*given)
            error = wrong(actual, exact(line, arrays, shown, scale))
            if not error <= RELATIVE:
                failures[called, scale] = error
    assert failures == {}
