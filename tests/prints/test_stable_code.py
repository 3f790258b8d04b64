"""The code that is copied, where the formulas as they are derived overflow, underflow or cancel.

Each number is compared with the statement at many digits, wherever a float can hold it.
"""

import functools
import warnings

import generated
import numpy as np
import pytest
import test_javascript_code
from mpmath import mp, mpf

from derivations.language.terms import Array, Function
from derivations.prints import codegen, javascript_code, numpy_code
from derivations.proof.digits import NoNumber

# What sigmoids and exponentials are taken of is made of the first of these that there are.
HOT = (
    {"z", "Z"},
    {"w", "W", "w_0", "w_1", "w_2", "free"},
    {"t", "r", "m", "z_1", "z_2", "gamma"},
)
SCALES = {"0": 0.0, "36": 36.0, "700": 700.0, "800": 800.0, "1e300": 1e300}
DIGITS = {"0": 50, "36": 200, "700": 1500, "800": 1500, "1e300": 100}
SHAPES = {"few": {"N": 3, "K": 3, "M": 3, "n": 2}, "one": dict.fromkeys("NKMn", 1)}

# Where the formula itself cannot be evaluated: which result, from which scale on, and why.
BEYOND = {
    ("softmax.newton_step", "solved_for_right_side"): (
        700,
        "it divides by a probability that underflows",
    ),
    ("softmax.logsumexp_bounds", "at_least_every_logit"): (800, "its terms are e^z and overflow"),
    ("backpropagation.equals_direct", "z4_gradient_by_X"): (
        700,
        "deltas that sum to zero meet weights that are equal: the sum over the classes cancels",
    ),
    ("regression.penalty_newton_step", "penalty_newton_step"): (
        801,
        "it divides by a variance that underflows",
    ),
    ("regression.probit_gradient", "probit_gradient"): (801, "no number of digits is enough"),
    ("regression.probit_hessian", "expected_of_data_point_since_even"): (
        801,
        "no number of digits is enough",
    ),
    ("regression.probit_hessian", "nll_hessian"): (700, "m(t) + t cancels on the left"),
    ("regression.probit_hessian", "m_derivative"): (700, "m(t) + t cancels on the left"),
    ("regression.cloglog_gradient", "cloglog_gradient"): (801, "no number of digits is enough"),
    ("regression.cloglog_hessian", "nll_hessian"): (36, "1 - y / p cancels where p is small"),
    ("regression.cloglog_hessian", "expected_weight_of_data_point"): (
        36,
        "1 - p cancels where p is close to 1",
    ),
    **{
        (f"gates.{name}", result): (801, "no number of digits is enough at 1e300")
        for name, result in (
            ("gelu_forward", "gelu_forward"),
            ("gelu_derivative", "gelu_derivative"),
            ("gelu_derivative", "gelu_second_derivative"),
            ("gelu_jacobian", "gelu_jacobian"),
            ("gelu_backward", "gelu_backward"),
            ("gelu_tanh_forward", "gelu_tanh_forward"),
            ("gelu_tanh_derivative", "gelutanh_derivative"),
            ("gelu_tanh_derivative", "gelutanh_second_derivative"),
            ("gelu_tanh_jacobian", "gelu_tanh_jacobian"),
            ("gelu_tanh_backward", "gelu_tanh_backward"),
        )
    },
    **{
        (f"normalisation.{name}", result): (801, "the squares of its inputs overflow")
        for name, result in (
            ("layer_norm_forward", "layer_norm_forward"),
            ("layer_norm_statistics", "r_jacobian"),
            ("layer_norm_parameter_gradient", "cost_gradient"),
            ("rms_norm_forward", "rms_norm_forward"),
            ("rms_norm_jacobian", "rms_jacobian"),
            ("rms_norm_parameter_gradient", "rms_norm_parameter_gradient"),
            ("batch_norm_forward", "batch_norm_forward"),
            ("batch_norm_statistics", "r_jacobian"),
            ("batch_norm_parameter_gradient", "cost_gradient"),
        )
    },
    **{
        (f"normalisation.{name}", result): (
            700,
            "of inputs with one size, it cancels but for a part as small as epsilon",
        )
        for name, result in (
            ("layer_norm_jacobian", "layer_norm_jacobian"),
            ("layer_norm_backward", "layer_norm_backward"),
            ("rms_norm_jacobian", "jacobian"),
            ("rms_norm_backward", "rms_norm_backward"),
            ("batch_norm_jacobian", "batch_norm_jacobian"),
            ("batch_norm_backward", "batch_norm_backward"),
        )
    },
}

RELATIVE = 1e-12
LARGEST, SMALLEST = np.finfo(float).max, np.finfo(float).tiny


def numbers(arguments, sizes, scale):
    """Numbers of which sums and differences are exact, ties and opposite signs among them."""
    fixed = generated.numbers(arguments, sizes)
    names = {array.name for array in arguments}
    hot = next((found for group in HOT if (found := group & names)), set())
    count = 0

    def fill(array, value):
        nonlocal count
        if isinstance(value, list):
            return [fill(array, inner) for inner in value]
        count += 1
        if array.name in hot and array.domain in ("real", "nonnegative"):
            sign = (1, -1, 0, 1, 1, -1)[count % 6]
            return scale * (abs(sign) if array.domain == "nonnegative" else sign)
        return value if array.domain == "label" else round(value * 64 + 0.5) / 64

    given = {array.name: fill(array, fixed[array.name]) for array in arguments}
    labels = {array.name: array for array in arguments if array.name == "Y"}
    return given | {name: generated.one_hot(array, given[name]) for name, array in labels.items()}


@functools.cache
def case(key, sizes, scale):
    """The arrays, the sizes and the exact values for a result.

    At 1e300 they are those of the stable form, as no number of digits is enough for the other.
    """
    line = generated.RESULTS[key]
    arguments = codegen.line_arguments(line)
    shown = generated.sizes_for(arguments, SHAPES[sizes])
    arrays = numbers([a for a in arguments if isinstance(a, Array)], shown, SCALES[scale])
    evaluated = codegen.stably(line) if scale == "1e300" else line
    value = generated.table(evaluated.term, line.at, arrays, shown, DIGITS[scale])
    return arrays, shown, np.array(value, dtype=object)


def scales(key):
    """The scales at which a result is computed; a function that may be any has no large ones."""
    arguments = codegen.line_arguments(generated.RESULTS[key])
    limit = 0 if any(isinstance(a, Function) for a in arguments) else np.inf
    limit = BEYOND[key][0] - 1 if key in BEYOND else limit
    return [scale for scale, size in SCALES.items() if size <= limit]


def wrong(actual, expected, scale):
    """The largest error, relative to values that a float can hold."""
    least = mpf(10) ** (20 - DIGITS[scale]) + mpf(SMALLEST)
    errors = [
        abs(mpf(float(a)) - e) / max(abs(e), least / RELATIVE) if np.isfinite(a) else mp.inf
        for a, e in zip(np.ravel(actual).astype(float), expected.ravel(), strict=True)
        if abs(e) <= LARGEST
    ]
    return float(max(errors, default=0))


def cases(sizes):
    """Every result at every scale."""
    return [(key, scale) for key in generated.RESULTS for scale in scales(key)]


def error_of(module, key, sizes, scale):
    """The error of NumPy code for a result."""
    arrays, shown, expected = case(key, sizes, scale)
    wanted = codegen.line_arguments(codegen.stably(generated.RESULTS[key]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of overflow where the true value overflows
        given = (generated.argument(one, arrays, shown) for one in wanted)
        return wrong(getattr(module, key[1])(*given), expected, scale)


@pytest.mark.parametrize("sizes", SHAPES)
@pytest.mark.parametrize("name", generated.WITH_CODE)
def test_numpy(name, sizes, tmp_path):
    source = numpy_code.numpy_code(generated.STATEMENTS[name], name)
    module = generated.load(source, tmp_path / "code.py")
    failures = {}
    for key, scale in cases(sizes):
        if key[0] != name:
            continue
        error = error_of(module, key, sizes, scale)
        if not error <= RELATIVE:
            failures[key[1], scale] = error
    assert failures == {}


@test_javascript_code.RUN
@pytest.mark.parametrize("sizes", SHAPES)
def test_javascript(sizes, tmp_path):
    every = [one for one in cases(sizes) if one[0][0] in test_javascript_code.WITH_CODE]
    calls = []
    for key, scale in every:
        arrays, shown, _ = case(key, sizes, scale)
        source = javascript_code.javascript_code(generated.STATEMENTS[key[0]], key[0])
        wanted = codegen.line_arguments(codegen.stably(generated.RESULTS[key]))
        given = [test_javascript_code.literal(one, arrays, shown) for one in wanted]
        calls.append((source, key[1], given))
    failures = {}
    for (key, scale), value in zip(every, test_javascript_code.run(tmp_path, calls), strict=True):
        error = wrong(np.array(value, dtype=float), case(key, sizes, scale)[-1], scale)
        if not error <= RELATIVE:
            failures[*key, scale] = error
    assert failures == {}


@pytest.mark.parametrize("key", BEYOND)
def test_what_is_left_out_has_no_right_value(key, tmp_path):
    """At the first scale that is left out: nothing is left out that could be computed."""
    source = numpy_code.numpy_code(generated.STATEMENTS[key[0]], key[0])
    module = generated.load(source, tmp_path / "code.py")
    first = next(scale for scale, size in SCALES.items() if size >= BEYOND[key][0])
    try:
        errors = [error_of(module, key, sizes, first) for sizes in SHAPES]
    except (NoNumber, OverflowError):
        errors = [np.inf]  # many digits have none to compare with
    assert any(not error <= RELATIVE for error in errors)
