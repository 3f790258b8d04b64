"""Bad input: the right result, or an error that names the argument, the expected and the given.

The matrix is every public function x each of its arguments x each value that is wrong for it.
"""

import collections
import contextlib
import decimal
import functools
import importlib
import inspect
import pkgutil
import re
import warnings

import compare
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import reference_impl
from reference_impl import arguments, conventions, identification, logistic, sigmoid, softmax
from reference_impl.engine import (
    estimation,
    logistic as engine_logistic,
    minimisation,
    separation,
    softmax as engine_softmax,
    streaming,
)

N, n, K = 6, 2, 3
X = np.array([[1.0, 2.0], [1.0, -1.0], [1.0, 3.0], [1.0, 0.0], [1.0, -2.0], [1.0, 4.0]])
y = np.array([1, 0, 0, 1, 1, 0])
classes = np.array([2, 0, 1, 1, 0, 2])
w = np.array([3.0, -1.0])
W = np.array([[3.0, -1.0], [0.0, 2.0], [-4.0, 1.0]])
s = np.array([1.0, 2.0, 0.0, 3.0, 1.0, 1.0])
M = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
H = softmax.nll_hessian(W, X, classes)

BINARY = {"w": w, "X": X, "y": y, "sample_weight": s}
MULTI = {"W": W, "X": X, "y": classes, "sample_weight": s}


def total_over_blocks(w, X, y, sample_weight):
    """What a block of `streaming` is given goes to the function of the whole."""
    blocks = streaming.Blocks(X, y, sample_weight)
    return streaming.total(logistic.nll_and_gradient, w, blocks)


def multinomial(X, y, sample_weight):
    """With a penalty, since three classes of so few points are separated."""
    return estimation.multinomial(X, y, K, penalty=1.0, sample_weight=sample_weight)


def gradient_descent(X, y, sample_weight):
    return estimation.gradient_descent(X, y, steps=3, sample_weight=sample_weight)


def newton_from(start):
    return minimisation.newton(half_square, lambda w: np.eye(len(w)), start)


def lbfgs_from(start):
    return minimisation.lbfgs(half_square, start, lambda g: g / 2)


def gradient_descent_from(start):
    return minimisation.gradient_descent(half_square, start, 0.5, steps=2)


def half_square(w):
    return w @ w / 2, w


def newton_over_blocks(X, y, sample_weight):
    return estimation.newton(streaming.Blocks(X, y, sample_weight), penalty=1.0)


def separation_of_classes(X, y, sample_weight):
    return separation.multinomial(X, y, K, sample_weight=sample_weight)


def overlap_of_classes(X, y):
    """Three classes of so few points are separated, and that is what is said."""
    try:
        return separation.require_overlap(X, y, K)
    except separation.SeparationError as error:
        return error.verdict


PROVED = separation.binary(X, y, sample_weight=s)


def proves(X, y, sample_weight):
    return float(separation.proves(X, y, PROVED, sample_weight=sample_weight))


# A valid call of every public function. All numbers but H's are small integers, so that they
# can be given in any type.
CALLS = {
    sigmoid.sigmoid: {"t": w},
    sigmoid.log_sigmoid: {"t": w},
    sigmoid.softplus: {"t": w},
    sigmoid.losses: {"t": X[:, 1], "y": y},
    sigmoid.residuals: {"t": X[:, 1], "y": y},
    estimation.firth: {"X": X, "y": y, "sample_weight": s},
    logistic.nll: BINARY,
    logistic.nll_gradient: BINARY,
    logistic.nll_and_gradient: BINARY,
    logistic.nll_hessian: BINARY,
    logistic.nll_hvp: {**BINARY, "v": w + 1},
    engine_logistic.nll: BINARY,
    engine_logistic.nll_gradient: BINARY,
    engine_logistic.nll_and_gradient: BINARY,
    engine_logistic.nll_hessian: BINARY,
    engine_logistic.nll_hvp: {**BINARY, "v": w + 1},
    engine_softmax.nll: MULTI,
    engine_softmax.nll_gradient: MULTI,
    engine_softmax.nll_and_gradient: MULTI,
    engine_softmax.nll_hessian: MULTI,
    engine_softmax.nll_hvp: {**MULTI, "V": W + 1},
    total_over_blocks: BINARY,
    estimation.newton: {"X": X, "y": y, "sample_weight": s},
    estimation.largest_curvature: {"X": X, "sample_weight": s},
    gradient_descent: {"X": X, "y": y, "sample_weight": s},
    multinomial: {"X": X, "y": classes, "sample_weight": s},
    newton_from: {"start": w},
    lbfgs_from: {"start": w},
    gradient_descent_from: {"start": w},
    newton_over_blocks: {"X": X, "y": y, "sample_weight": s},
    separation.binary: {"X": X, "y": y, "sample_weight": s},
    separation_of_classes: {"X": X, "y": classes, "sample_weight": s},
    proves: {"X": X, "y": y, "sample_weight": s},
    separation.require_overlap: {"X": X, "y": y},
    overlap_of_classes: {"X": X, "y": classes},
    separation.dependent_columns: {"X": X},
    separation.require_full_rank: {"X": X},
    softmax.softmax: {"z": W},
    softmax.log_softmax: {"z": W},
    softmax.logsumexp: {"z": W},
    softmax.losses: {"z": X @ W.T, "y": classes},
    softmax.residuals: {"z": X @ W.T, "y": classes},
    softmax.nll: MULTI,
    softmax.nll_gradient: MULTI,
    softmax.nll_and_gradient: MULTI,
    softmax.nll_hessian: MULTI,
    softmax.nll_hvp: {**MULTI, "V": W + 1},
    identification.translation: {"W": W, "psi": w},
    identification.sum_to_zero: {"W": W},
    identification.reference_class: {"W": W},
    identification.decode: {"M": M, "V": W[:2]},
    identification.code_gradient: {"M": M, "G": W},
    identification.code_hessian: {"M": M, "H": H},
}


def name(function):
    return f"{function.__module__.removeprefix('reference_impl.')}.{function.__name__}"


def places(*kinds):
    """(function, argument) for each argument of these kinds, or of all."""
    return [
        pytest.param(function, argument, id=f"{name(function)} {argument}")
        for function, call in CALLS.items()
        for argument in call
        if not kinds or argument in kinds
    ]


LABELS = ("y",)
NUMBERS = ("w", "X", "t", "z", "v", "V", "W", "psi", "M", "G", "H", "start", "sample_weight")

each_array = pytest.mark.parametrize(("function", "argument"), places())
each_numbers = pytest.mark.parametrize(("function", "argument"), places(*NUMBERS))
each_label = pytest.mark.parametrize(("function", "argument"), places(*LABELS))


def flat(result):
    """The arrays of a result, whatever its form."""
    if isinstance(result, estimation.Fit):
        return [np.float64(result.nll), result.w, result.covariance, result.standard_errors]
    if isinstance(result, minimisation.Minimum):
        return [result.points, result.values, result.gradient_norms]
    if isinstance(result, separation.Verdict):
        return [part.astype(float) for part in (result.direction, result.multipliers)]
    if isinstance(result, float):
        return [np.float64(result)]
    if isinstance(result, dict):
        found = [float(c) for terms in result.values() for c in terms.values()]
        return [np.array([len(result), *found], dtype=float)]
    if result is None:
        return []
    return list(result) if isinstance(result, tuple) else [result]


# The functions under names of their own above.
WRAPPED = {
    "engine.estimation": ["gradient_descent", "multinomial"],
    "engine.minimisation": ["newton", "lbfgs", "gradient_descent"],
    "engine.separation": ["multinomial", "proves"],
    "engine.streaming": ["total"],
}
# What the matrix leaves out, and why: a module, or some of its functions.
LEFT_OUT = {
    "arguments": "makes the checks themselves",
    "backpropagation": "takes layers: test_backpropagation",
    "composition": "makes layers: test_composition",
    "check.anything": "takes what others take: tests/check",
    "check.behaviour": "is given a problem: tests/check",
    "check.bring": "takes functions and layers: tests/check",
    "check.bring_jax": "takes functions of JAX: tests/check",
    "check.bring_torch": "takes modules: tests/check",
    "check.causes": "is given a wrong claim: tests/check",
    "check.clock": "takes a function without arguments: tests/check",
    "check.command": "takes words: tests/check",
    "check.compare": "is given a problem: tests/check",
    "check.constants": "takes any function: tests/check",
    "check.differences": "is given a curve: tests/check",
    "check.examine": "is given a problem: tests/check",
    "check.forms": "is given a wrong claim: tests/check",
    "check.inputs": "takes words: tests/check",
    "check.layers": "takes layers: tests/check",
    "check.looks": "is given a wrong claim: tests/check",
    "check.measure": "is given a problem: tests/check",
    "check.objects": "takes words: tests/check",
    "check.places": "is given a wrong claim: tests/check",
    "check.problem": "calls what was brought: tests/check",
    "check.precision": "is given a problem: tests/check",
    "check.pytest_plugin": "is called by pytest: tests/check",
    "check.script": "takes any value: tests/check",
    "check.second": "is given a problem: tests/check",
    "check.slips": "is given a wrong claim: tests/check",
    "check.spec": "takes a derivation: tests/check",
    "check.trees": "takes trees: tests/check",
    "check.unseen": "is given a problem: tests/check",
    "conformance.adapter": "takes a module: test_conformance",
    "conformance.command": "takes words: test_conformance",
    "conformance.numbers": "takes text: test_conformance",
    "conformance.program": "takes a command: test_conformance",
    "conformance.report": "takes a run: test_conformance",
    "conformance.vectors": "takes files: test_conformance",
    "conformance.verdicts": "takes answers: test_conformance",
    "low_precision": "takes what a kernel gives: test_low_precision",
    "training": "takes layers: test_transformer",
    "transformer": "makes layers: test_transformer",
    "conventions": {
        "balanced_weights": "takes labels: test_conventions",
        "labels_from_names": "takes words: test_labels_that_are_words",
    },
    "data": "takes no argument",
    "engine.elementary": "works on checked numbers: test_compiled",
    "engine.error_free": "works on checked numbers",
    "gates": "makes layers: test_gates",
    "handwritten_digits": "takes layers: test_handwritten_digits",
    "identification": {
        "reference_class_coding": "takes integers: test_codings_refuse",
        "sum_to_zero_coding": "takes integers: test_codings_refuse",
    },
    "engine.inference": "takes fits: test_inference",
    "layer": "makes the checks of layers: layer_loops.check_contract",
    "log_softmax": "works on checked numbers",
    "engine.log_sum_exp": "works on checked numbers",
    "engine.fit": "takes what estimation has checked",
    "engine.loops": "is printed: test_compiled",
    "engine.sums": "works on checked numbers: test_sums",
    "quiet": "takes a function: test_quiet",
    "regression": "takes offsets, strengths and links: test_regression",
    "sigmoid": {
        "soft_losses": "takes probabilities: test_wrong_soft_targets",
        "soft_residuals": "takes probabilities: test_wrong_soft_targets",
    },
    "engine.softmax": {
        "hessian_over_classes": "works on checked numbers: test_sums",
        "hessian_over_features": "works on checked numbers: test_sums",
    },
    "engine.streaming": {
        "add": "takes what parts yields",
        "columns": "a part of Blocks: test_streaming",
        "column_names": "takes any table: test_estimation",
        "columns_of": "a part of newton: test_streaming",
        "parts": "the blocks of total",
        "place": "words",
        "require_length": "a part of Blocks: test_streaming",
        "require_matrix": "a part of Blocks: test_streaming",
    },
    "targets": "takes logits and targets: test_targets",
}


def public_functions():
    """The functions of every module of reference_impl, by module, that the module itself defines."""
    found = {}
    for module in pkgutil.walk_packages(reference_impl.__path__, "reference_impl."):
        try:
            imported = importlib.import_module(module.name)
        except ImportError:
            assert module.name == "reference_impl.engine.distributed"  # Dask is optional
            continue
        members = inspect.getmembers(imported, inspect.isfunction)
        own = {f for f, function in members if function.__module__ == module.name}
        found[module.name.removeprefix("reference_impl.")] = {f for f in own if f[0] != "_"}
    return found


def test_every_public_function_is_in_the_matrix():
    """Or the reason why it is not is given above; and no reason is given without need."""
    in_matrix = {module: set(functions) for module, functions in WRAPPED.items()}
    for function in [*CALLS, *map(conversion, CONVERSIONS)]:
        if function.__module__ != __name__:
            module = function.__module__.removeprefix("reference_impl.")
            in_matrix.setdefault(module, set()).add(function.__name__)
    found = public_functions()
    assert {module for module, functions in found.items() if functions} >= set(in_matrix)
    for module, functions in found.items():
        reasons = LEFT_OUT.get(module, {})
        left_out = functions if isinstance(reasons, str) else set(reasons)
        assert functions == in_matrix.get(module, set()) | left_out, module
        assert not in_matrix.get(module, set()) & left_out, module
        assert functions or module not in LEFT_OUT, module


@pytest.mark.parametrize("function", CALLS, ids=name)
def test_results_are_float64_and_no_warning_is_given(function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for array in flat(function(**CALLS[function])):
            assert array.dtype == np.float64 and np.isfinite(array).all()


# The same numbers in another type, layout or container: the same result, bit for bit.

FORMS = {
    "int64": lambda a: a.astype(np.int64),
    "int8": lambda a: a.astype(np.int8),
    "big-endian int": lambda a: a.astype(">i4"),
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "long double": lambda a: a.astype(np.longdouble),
    "byte-swapped": lambda a: a.astype(">f8"),
    "Fortran": lambda a: np.asfortranarray(a, dtype=float),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed": lambda a: np.ascontiguousarray(np.flip(a))[(slice(None, None, -1),) * a.ndim],
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "unaligned": lambda a: _unaligned(a),
    "list": lambda a: a.tolist(),
    "list of rows": lambda a: list(a),
    "tuple": lambda a: tuple(a.tolist()),
    "pandas": lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a) if a.ndim == 1 else a,
    "nullable pandas": lambda a: (
        pd.Series(a.astype(int), dtype="Int64") if a.ndim == 1 else pd.DataFrame(a)
    ),
    "memory map": lambda a: _read_only(a),
    "subclass": lambda a: a.view(_Subclass),
}


class _Subclass(np.ndarray):
    pass


def _unaligned(a):
    buffer = np.empty(a.nbytes + 1, dtype=np.uint8)[1:].view(a.dtype).reshape(a.shape)
    buffer[...] = a
    return buffer


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


@each_array
def test_forms_of_the_same_numbers(function, argument):
    call = CALLS[function]
    expected = flat(function(**call))
    for form, make in FORMS.items():
        if argument == "H" and ("int" in form or "float" in form or form == "nullable pandas"):
            continue  # H holds fractions
        with named(form):
            actual = flat(function(**{**call, argument: make(call[argument])}))
            for one, other in zip(actual, expected, strict=True):
                compare.same(one, other)


@contextlib.contextmanager
def named(case):
    """Say in a failure which case of the test it was."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the case {case!r}")
        raise


@pytest.mark.parametrize(
    ("function", "argument"), places("X", "W", "z", "w", "t", "start", "sample_weight")
)
def test_broadcast_views(function, argument):
    call = CALLS[function]
    shape = call[argument].shape
    dependent = estimation.newton, estimation.firth, separation.require_full_rank
    if function in dependent and argument == "X":
        return  # constant columns are dependent
    view = np.broadcast_to(np.float64(2.0), shape)
    for actual, expected in zip(
        flat(function(**{**call, argument: view})),
        flat(function(**{**call, argument: np.full(shape, 2.0)})),
        strict=True,
    ):
        compare.same(actual, expected)


LABEL_TYPES = {
    **{str(np.dtype(code)): np.dtype(code) for code in "bBhHiIlLqQefdg"},
    "big-endian": np.dtype(">i2"),
}


@each_label
def test_label_types(function, argument):
    call = CALLS[function]
    labels = call[argument]
    given = {
        "list": labels.tolist(),
        "float list": labels.astype(float).tolist(),
        "pandas": pd.Series(labels, index=range(10, 10 + N)),
        **{name: labels.astype(label_type) for name, label_type in LABEL_TYPES.items()},
    }
    expected = flat(function(**call))
    for label_type, value in given.items():
        with named(label_type):
            actual = flat(function(**{**call, argument: value}))
            for one, other in zip(actual, expected, strict=True):
                compare.same(one, other)


@each_label
def test_labels_that_are_booleans(function, argument):
    labels = CALLS[function][argument]
    actual, expected = (
        flat(function(**{**CALLS[function], argument: value}))
        for value in (labels.astype(bool), np.minimum(labels, 1))
    )
    for one, other in zip(actual, expected, strict=True):
        compare.same(one, other)


# Arguments are not changed, and results do not share memory with them.


@pytest.mark.parametrize("function", CALLS, ids=name)
def test_arguments_are_unchanged_and_not_aliased(function):
    call = {argument: value.copy() for argument, value in CALLS[function].items()}
    result = [array.copy() for array in flat(function(**call))]
    for argument, value in call.items():
        compare.same(value, CALLS[function][argument])
    live = flat(function(**call))
    for value in call.values():
        assert not any(np.shares_memory(value, array) for array in live)
        value += 1  # what the caller does with its arrays does not reach a result
    for kept, expected in zip(live, result, strict=True):
        compare.same(kept, expected)
    for again, expected in zip(flat(function(**CALLS[function])), result, strict=True):
        compare.same(again, expected)


# Values that are wrong for every argument.

WRONG_TYPE = {
    "complex": lambda a: a.astype(complex),
    "object": lambda a: a.astype(object),
    "strings": lambda a: a.astype(str),
    "bytes": lambda a: a.astype(bytes),
    "masked": lambda a: np.ma.masked_array(a, mask=np.zeros(a.shape)),
    "list with a masked array": lambda a: [np.ma.masked_array(a[0], mask=True), *a[1:]],
    "lists with a masked array": lambda a: [[np.ma.masked_array(a[0], mask=True)], *a[1:]],
    "lists with a masked number": lambda a: [np.ma.masked, *a.tolist()[1:]],
    "dates": lambda a: np.zeros(a.shape, dtype="datetime64[D]"),
    "durations": lambda a: np.zeros(a.shape, dtype="timedelta64[s]"),
    "records": lambda a: np.zeros(a.shape, dtype=[("a", float)]),
    "None inside": lambda a: np.where(np.indices(a.shape).any(axis=0), a, None).tolist(),
    "decimals": lambda a: np.vectorize(decimal.Decimal, otypes=[object])(a.astype(float)),
    "a string": lambda a: "1.0",
    "a set": lambda a: {1.0, 2.0},
    "a dictionary": lambda a: {"a": 1.0},
    "a function": lambda a: len,
    "a generator": lambda a: (value for value in a),
    "huge integers": lambda a: (a.astype(int).astype(object) + 10**30).tolist(),
}


@each_array
@pytest.mark.parametrize("wrong", WRONG_TYPE)
def test_wrong_type(function, argument, wrong):
    call = CALLS[function]
    value = WRONG_TYPE[wrong](call[argument])
    with pytest.raises(TypeError, match=rf"^{argument}: expected .*given"):
        function(**{**call, argument: value})


@pytest.mark.parametrize(("function", "argument"), places("X", "W", "z"))
@pytest.mark.parametrize(
    "form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array, sparse.lil_matrix]
)
def test_sparse(function, argument, form):
    call = CALLS[function]
    with pytest.raises(TypeError, match=rf"^{argument}: .*toarray"):
        function(**{**call, argument: form(call[argument])})


@each_array
def test_None_is_no_array(function, argument):
    if argument != "sample_weight":
        with pytest.raises(TypeError, match=rf"^{argument}: expected real numbers, given NoneType"):
            function(**{**CALLS[function], argument: None})


@each_array
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_not_finite(function, argument, number):
    """The first place is named; inf is accepted where the limit is defined."""
    if argument == "t" and not np.isnan(number):
        return
    if argument == "z" and (number == -np.inf or (number == np.inf and "logsum" in name(function))):
        return
    value = CALLS[function][argument].astype(float)
    value[(-1,) * value.ndim] = number
    with pytest.raises(ValueError, match=rf"^{argument}: expected .*given {number:g}") as error:
        function(**{**CALLS[function], argument: value})
    last = tuple(size - 1 for size in value.shape)
    place = str(last if len(last) > 1 else last[0])
    assert (argument == "z" and number == np.inf) or f"at index {place}" in str(error.value)


@each_numbers
def test_beyond_float64(function, argument):
    value = CALLS[function][argument].astype(np.longdouble)
    if np.finfo(np.longdouble).max == np.finfo(float).max:
        return  # this machine has no wider type
    value[(0,) * value.ndim] = np.longdouble("1e400")
    with pytest.raises(ValueError, match=rf"^{argument}: expected numbers below 1.8e308"):
        function(**{**CALLS[function], argument: value})


@each_array
def test_ragged(function, argument):
    with pytest.raises(ValueError, match=rf"^{argument}: expected a rectangular array"):
        function(**{**CALLS[function], argument: [[1.0, 2.0], [3.0]]})


SHAPED = [place for place in places() if place.values[1] not in ("t", "z")]
WRONG_SHAPE = {
    "0-d": lambda a: np.float64(1.0),
    "no rows": lambda a: a[:0],
    "no columns": lambda a: a[..., :0],
    "one dimension more": lambda a: a[..., np.newaxis],
    "a dimension of one in front": lambda a: a[np.newaxis],
}


@pytest.mark.parametrize(("function", "argument"), SHAPED)
@pytest.mark.parametrize("wrong", WRONG_SHAPE)
def test_wrong_shape(function, argument, wrong):
    """The argument, what was expected and the shape given."""
    value = WRONG_SHAPE[wrong](CALLS[function][argument])
    shape = re.escape(str(value.shape))
    with pytest.raises(ValueError, match=rf"^{argument}: expected .*, given shape {shape}"):
        function(**{**CALLS[function], argument: value})


@pytest.mark.parametrize(("function", "argument"), places("w", "v", "y", "psi", "sample_weight"))
def test_wrong_length(function, argument):
    """The length of a vector follows from another argument, whose shape is named as well."""
    call = CALLS[function]
    for value in (np.append(call[argument], 0), call[argument][:-1]):
        with pytest.raises(ValueError, match=rf"^{argument}: .*given shape \({len(value)},\)") as e:
            function(**{**call, argument: value})
        like = next((call[name] for name in "Xtz" if name in call), W[0])
        assert str(like.shape) in str(e.value)


@pytest.mark.parametrize(
    "function",
    [f for f, call in CALLS.items() if call.keys() & {"w", "W"} and "X" in call],
    ids=name,
)
def test_another_number_of_columns(function):
    wider = np.column_stack([X, X[:, 1] ** 2])
    with pytest.raises(
        ValueError, match=r"^[wvW]: expected shape .*X of shape \(6, 3\), given shape"
    ):
        function(**{**CALLS[function], "X": wider})


def test_a_column_of_labels_does_not_become_a_matrix():
    """Plain NumPy makes p - y an N x N array from y of shape (N, 1)."""
    with pytest.raises(
        ValueError, match=r"^y: expected shape \(6,\) for X of shape \(6, 2\), given"
    ):
        logistic.nll(w, X, y[:, np.newaxis])


def test_one_hot_labels_name_the_conversion():
    with pytest.raises(ValueError, match=r"given shape \(6, 3\).*argmax\(axis=1\)"):
        softmax.nll(W, X, np.eye(3)[classes])


WRONG_LABELS = {
    "minus one and one": (lambda a: 2 * np.minimum(a, 1) - 1, r"given -1 .*\(y \+ 1\) // 2"),
    "from one": (lambda a: a + 1, r"given \d.* by y - 1"),
    "too large": (lambda a: np.where(a == a.max(), 7, a), r"given 7 at index 0.*np.unique"),
    "ignored": (
        lambda a: np.where(a == a.max(), -100, a),
        r"given -100 at index 0; if -100 marks .* conventions.ignored_labels\(y, -100, \d\)",
    ),
    "negative": (lambda a: np.where(a == a.max(), -2, -3), r"given -2 at index 0.*np.unique"),
    "fractions": (lambda a: a + 0.5, r"given \d\.5 at index 0"),
    "soft": (lambda a: np.full(N, 0.25), r"labels, not probabilities\), given 0.25 at index 0"),
    "-uint8(1) is 255": (lambda a: -(a > 0).astype(np.uint8), "given 255 at index 0"),
}


@each_label
@pytest.mark.parametrize("wrong", WRONG_LABELS)
def test_wrong_labels(function, argument, wrong):
    make, message = WRONG_LABELS[wrong]
    call = CALLS[function]
    largest = call["y"].max()
    with pytest.raises(ValueError, match=rf"^y: expected integers from 0 to {largest}.*{message}"):
        function(**{**call, argument: make(call[argument])})


@pytest.mark.parametrize(("function", "argument"), places("sample_weight"))
def test_wrong_weights(function, argument):
    call = CALLS[function]
    with pytest.raises(
        ValueError, match=r"^sample_weight: expected weights >= 0, given -1 at index 2"
    ):
        function(**{**call, argument: [1, 1, -1, 1, 1, 1]})
    with pytest.raises(ValueError, match=r"^sample_weight: .*at least one weight > 0.*all zero"):
        function(**{**call, argument: np.zeros(N)})


@pytest.mark.parametrize(("function", "argument"), places("W"))
def test_one_class(function, argument):
    with pytest.raises(ValueError, match=r"^W: expected shape \(K, .*K >= 2.*given shape \(1, 2\)"):
        function(**{**CALLS[function], argument: W[:1]})


@pytest.mark.parametrize("function", [softmax.softmax, softmax.log_softmax, softmax.logsumexp])
def test_axis(function):
    for wrong in (2, -3, 100):
        with pytest.raises(ValueError, match=rf"^axis: .*shape \(3, 2\), given {wrong}"):
            function(W, axis=wrong)
    several = function is softmax.logsumexp
    for wrong in (1.0, "1", (0, 1.0), *([] if several else [None, (0, 1)])):
        with pytest.raises(TypeError, match=r"^axis: expected an integer, given"):
            function(W, axis=wrong)
    no_axis = "z: expected at least one dimension" if several else "axis: expected an axis of z"
    with pytest.raises(ValueError, match=f"^{no_axis}"):
        function(1.0)
    with pytest.raises(ValueError, match=r"^z: expected at least one entry along axis 0"):
        function([])


@pytest.mark.parametrize(
    ("keyword", "wrong", "error"),
    [
        ("penalty", -1.0, ValueError),
        ("penalty", np.nan, ValueError),
        ("penalty", np.inf, ValueError),
        ("penalty", [1.0, 2.0, 3.0], ValueError),
        ("penalty", [[1.0, 2.0]], ValueError),
        ("penalty", [1.0, -2.0], ValueError),
        ("start", [1.0], ValueError),
        ("start", [1.0, np.nan], ValueError),
        ("offset", [1.0], ValueError),
        ("offset", 1.0, ValueError),
        ("offset", "1", TypeError),
        ("penalty", "1", TypeError),
        ("penalty", None, TypeError),
        ("penalty", 1j, TypeError),
        ("tol", -1e-8, ValueError),
        ("tol", None, TypeError),
        ("max_iter", 0, ValueError),
        ("max_iter", 2.5, TypeError),
        ("max_iter", None, TypeError),
    ],
)
def test_keywords_of_newton(keyword, wrong, error):
    with pytest.raises(error, match=rf"^{keyword}: expected"):
        estimation.newton(X, y, **{keyword: wrong})


def test_codings_refuse():
    for wrong, error in [(1, ValueError), (-3, ValueError), (2.0, TypeError), ("3", TypeError)]:
        for coding in (identification.sum_to_zero_coding, identification.reference_class_coding):
            with pytest.raises(error, match=r"^K: expected an integer"):
                coding(wrong)
    for wrong in (3, -1):
        with pytest.raises(ValueError, match=r"^reference: expected a class from 0 to 2"):
            identification.reference_class(W, wrong)
        with pytest.raises(ValueError, match=r"^reference: expected a class from 0 to 2"):
            identification.reference_class_coding(3, wrong)
    with pytest.raises(TypeError, match=r"^reference: expected an integer"):
        identification.reference_class(W, None)


def test_right_values_pass_through_exactly():
    """Fractions are no numbers of float32 here; and no size is another."""
    t = 1 / 3
    A, Z = np.array([[0.1, -t, 5e-300], [7.0, t - 2, 1e300]]), np.ones((2, 3, 4))
    B = np.array([[0.1, 2.0], [t, -t], [1e300, -4.0], [0.0, 5e-300], [t, 8.0]])
    given, some = A.tolist(), np.array([0.1, 0.0, t, 0.0, 7.0])
    passed = {
        "real": [(("z", [t, 0.1, -np.inf]), np.array([t, 0.1, -np.inf]))],
        "finite": [(("z", given), A)],
        "design_matrix": [((given,), A)],
        "vector": [(("w", given[0], A), A[0])],
        "class_weights": [(("W", given, A), A)],
        "same_shape": [(("dz", given, "z", 0 * A), A)],
        "labels": [(([2.0, 0.0], A, 3), np.array([2, 0]))],
        "weights": [((some.tolist(), B), some), ((None, A), np.array([1.0, 1.0]))],
        "data": [
            ((given, [1, 0], [t, 0.1], 2), (A, np.array([1, 0]), np.array([t, 0.1]))),
            ((B, [2, 0, 1, 2, 1], some, 3), (B[::2], np.array([2, 1, 1]), some[::2])),
        ],
        "nonnegative": [(("penalty", one), one) for one in (0.0, t, 1e300)],
        "positive": [(("eps", one), one) for one in (5e-324, t, 1e300)],
        "fraction": [(("alpha", one), one) for one in (0.0, t, 1.0)],
        "count": [(("steps", one, 2), one) for one in (2, 10**9 + 1)],
        "integer": [(("ignore_index", one), one) for one in (-7, 0, 10**9 + 1)],
        "axis": [((one, Z), one % 3) for one in range(-3, 3)],
        "axes": [((None, Z), (0, 1, 2)), (((-1, 1), Z), (1, 2)), ((-2, Z), (1,))],
        "factors": [(("b", [0.1, t, 7.0], A), np.array([[0.1, t, 7.0]] * 2))],
        "representable": [(("the sum", one), one) for one in (t, A)],
        "as_given": [(("y", one.tolist()), one) for one in (A, classes, A > 0)],
        "refuse": [(("z", A, A > 1e300, "numbers to 1e300"), None)],
    }
    assert set(passed) == public_functions()["arguments"]
    for function, calls in passed.items():
        for call, expected in calls:
            with named(function):
                found = getattr(arguments, function)(*call)
                assert type(found) is type(expected)
                for one, other in zip(flat(found), flat(expected), strict=True):
                    compare.same(one, other)


def test_a_view_is_not_copied_without_need():
    """A contiguous float64 matrix of any size is used as it is."""
    assert arguments.design_matrix(X) is X


def test_what_a_tensor_that_cannot_be_converted_gives():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    with pytest.raises(TypeError, match=r"^X: expected real numbers, given Can't call numpy"):
        logistic.nll(w, Tensor(), y)


def test_the_matrix_is_not_empty():
    counts = collections.Counter(argument for place in places() for argument in [place.values[1]])
    assert counts["X"] >= 11 and counts["y"] >= 11 and counts["t"] == 5 and counts["z"] == 5


# Conversions from other conventions: labels come back as int64, and y may be any number of labels.

CONVERSIONS = {
    conventions.weighted_mean: {"sample_weight": s},
    conventions.signs: {"y": y},
    conventions.labels_from_signs: {"m": 2 * y - 1},
    conventions.swapped_labels: {"y": y},
    functools.partial(conventions.labels_from_one, n_classes=K): {"y": classes + 1},
    functools.partial(conventions.one_hot, n_classes=K): {"y": classes},
    conventions.labels_from_one_hot: {"Y": np.eye(K)[classes]},
    conventions.soft_labels: {"X": X, "Y": np.eye(K)[classes]},
    conventions.class_weights: {"q": np.array([1.0, 0.0, 2.0]), "y": classes},
    functools.partial(conventions.ignored_labels, ignore_index=2, n_classes=K): {"y": classes},
    conventions.class_axis: {"z": W},
    conventions.class_axis_back: {"Z": W, "like": W},
    conventions.columns: {"X": X},
    conventions.intercept: {"X": X},
}


def conversion(function):
    return getattr(function, "func", function)


each_conversion = pytest.mark.parametrize(
    ("function", "argument"),
    [
        pytest.param(function, argument, id=f"{conversion(function).__name__} {argument}")
        for function, call in CONVERSIONS.items()
        for argument in call
    ],
)


@each_conversion
@pytest.mark.parametrize("wrong", WRONG_TYPE)
def test_conversion_of_a_wrong_type(function, argument, wrong):
    call = CONVERSIONS[function]
    with pytest.raises(TypeError, match=rf"^{argument}: expected .*given"):
        function(**{**call, argument: WRONG_TYPE[wrong](call[argument])})


@each_conversion
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_conversion_of_numbers_that_are_not_finite(function, argument, number):
    value = CONVERSIONS[function][argument].astype(float)
    value[(-1,) * value.ndim] = number
    with pytest.raises(ValueError, match=rf"^{argument}: expected .*given {number:g}"):
        function(**{**CONVERSIONS[function], argument: value})


@each_conversion
@pytest.mark.parametrize("wrong", ["0-d", "no rows", "no columns"])
def test_conversion_of_a_wrong_shape(function, argument, wrong):
    value = WRONG_SHAPE[wrong](CONVERSIONS[function][argument])
    with pytest.raises(ValueError, match=r"^(axis|\w+): expected .*shape"):
        function(**{**CONVERSIONS[function], argument: value})


@each_conversion
def test_conversion_of_the_same_numbers(function, argument):
    """In any form the same result; and the argument is neither changed nor shared."""
    call = CONVERSIONS[function]
    expected = flat(function(**call))
    for form, make in FORMS.items():
        with named(form):
            given = make(call[argument])
            before = np.array(given, copy=True)
            results = flat(function(**{**call, argument: given}))
            for one, other in zip(results, expected, strict=True):
                compare.same(one, other)
                assert not isinstance(given, np.ndarray) or not np.shares_memory(one, given)
                one += 1
            assert np.array_equal(np.asarray(given), before)


@pytest.mark.parametrize("wrong", [1, -3, 2.5, "3", None])
def test_conversions_refuse_a_number_of_classes(wrong):
    for function in (conventions.one_hot, conventions.labels_from_one):
        with pytest.raises((TypeError, ValueError), match=r"^n_classes: expected an integer"):
            function(classes, wrong)
    with pytest.raises((TypeError, ValueError), match=r"^n_classes: expected an integer"):
        conventions.ignored_labels(classes, 0, wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: conventions.signs(2 * y - 1),
            r"^y: expected integers from 0 to 1, given .* \(y \+ 1\)",
        ),
        (
            lambda: conventions.labels_from_signs(y),
            r"^m: expected labels -1 and 1, given 0 at index",
        ),
        (
            lambda: conventions.ignored_labels(y, 10**400, 2),
            "^ignore_index: expected an integer of at most 64 bits, given one of 1329",
        ),
        (lambda: conventions.weighted_mean([1, -1]), r"^sample_weight: expected weights >= 0"),
        (lambda: conventions.weighted_mean([0, 0]), r"^sample_weight: .*at least one weight > 0"),
        (lambda: conventions.weighted_mean([1e308] * 2), r"^the sum of the weights exceeds"),
        (lambda: conventions.class_weights([1, -1], y), r"^q: expected weights >= 0, given -1 at"),
        (lambda: conventions.class_weights([1, 1], classes), r"^y: expected integers from 0 to 1"),
        (lambda: conventions.class_weights([1], y), r"^q: expected K >= 2 weights, given shape"),
        (lambda: conventions.soft_labels(X, W), r"^Y: expected 6 rows for X of shape \(6, 2\)"),
        (lambda: conventions.soft_labels(X, -X), r"^Y: expected numbers >= 0, given -1 at index"),
        (lambda: conventions.soft_labels(X, 0 * X), r"^Y: expected at least one number > 0"),
    ],
)
def test_conversions_refuse_values(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Tables: columns of several types, missing values, words.


def table(**columns):
    return pd.DataFrame({"one": np.ones(N), **columns})


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(X[:, 1], dtype="Float64"),
        pd.Series(X[:, 1].astype(int), dtype="Int8"),
        pd.Series(X[:, 1], dtype="float32"),
        pd.Series(X[:, 1], index=range(10, 10 + N)).reset_index(drop=True),
    ],
    ids=lambda column: str(column.dtype),
)
def test_columns_of_several_types(column):
    """As the same numbers in one array; a column of booleans beside, as of get_dummies."""
    flag = X[:, 1] > 0
    for boolean in (flag, pd.array(flag, dtype="boolean")):
        given = table(x=column, flag=boolean)
        whole = np.column_stack([X, flag])
        for function in (logistic.nll_gradient, engine_logistic.nll_gradient):
            compare.same(function([1, 2, 3], given, y), function([1, 2, 3], whole, y))
    fit = estimation.newton(given, pd.Series(y, dtype="Int64"), penalty=1.0)
    compare.same(fit.w, estimation.newton(whole, y, penalty=1.0).w)
    assert fit.names == ("one", "x", "flag")


def test_dummies_beside_numbers():
    words = pd.Series(["a", "b", "c", "a", "b", "c"])
    given = pd.concat([table(x=X[:, 1]), pd.get_dummies(words, drop_first=True)], axis=1)
    fit = estimation.newton(given, y, penalty=1.0)
    assert fit.names == ("one", "x", "b", "c")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            table(x=pd.Series([1, 2, None, 4, 5, 6], dtype="Int64")),
            ValueError,
            r"^X: expected numbers, given column 'x' with <NA> at index 2; drop such rows",
        ),
        (
            table(x=[1.0, 2.0, np.nan, 4.0, 5.0, 6.0]),
            ValueError,
            r"^X: expected numbers, given nan at index \(2, 1\)",
        ),
        (
            table(colour=["red", "blue"] * 3),
            TypeError,
            r"^X: expected real numbers, given column 'colour' of type .*get_dummies\(X\)",
        ),
        (
            table(x=[1, 2, None, "4", 5, 6]),
            TypeError,
            r"^X: expected real numbers, given column 'x' of type object"
            r'; numbers from it: \.astype\("float"\)$',
        ),
        (
            table(x=[None, "a", "b", "a", "b", "c"]),
            TypeError,
            r"^X: expected real numbers, given column 'x' of type .*get_dummies\(X\)$",
        ),
        (
            table(x=np.full(N, 1j)),
            TypeError,
            r"^X: expected real numbers, given column 'x' of type complex128$",
        ),
        (
            table(when=pd.date_range("2020-01-01", periods=N)),
            TypeError,
            r"^X: expected real numbers, given column 'when' of type datetime.*"
            r'; numbers from it: \.astype\("int64"\)$',
        ),
        (
            table(when=pd.date_range("2020-01-01", periods=N, tz="UTC")),
            TypeError,
            r'^X: expected real numbers, given column .*; numbers from it: \.astype\("int64"\)$',
        ),
        (
            table(when=pd.to_timedelta(range(N), unit="s")),
            TypeError,
            r'^X: expected real numbers, given column .*; numbers from it: \.astype\("int64"\)$',
        ),
        (
            table(when=pd.interval_range(0, N)),
            TypeError,
            r"^X: expected real numbers, given column 'when' of type interval\[int64, right\]$",
        ),
        (
            table(kind=pd.Categorical(["a", "b"] * 3)),
            TypeError,
            r"^X: expected real numbers, given column 'kind' of type category; .*get_dummies",
        ),
    ],
)
def test_wrong_columns_are_named(given, error, message):
    for function in (logistic.nll, engine_logistic.nll):
        with pytest.raises(error, match=message):
            function([1.0, 2.0], given, y)
    with pytest.raises(error, match=message):
        estimation.newton(given, y)


@pytest.mark.parametrize(
    "words",
    [["no", "yes"] * 3, np.array(["no", "yes"] * 3), pd.Series(["no", "yes"] * 3)],
    ids=type,
)
def test_labels_that_are_words(words):
    """An error that names the conversion, whose numbers and names go together."""
    with pytest.raises(TypeError, match=r"^y: expected .*conventions.labels_from_names\(y\)"):
        estimation.newton(X, words)
    labels, names = conventions.labels_from_names(words)
    compare.same(labels, np.array([0, 1] * 3))
    assert names == ("no", "yes")


@pytest.mark.parametrize("form", [list, pd.Series, np.array])
def test_a_missing_word(form):
    """The first label is no string, and the conversion is that of strings all the same."""
    with pytest.raises(TypeError, match=r"^y: expected .*conventions.labels_from_names\(y\)$"):
        estimation.newton(X, form([None, *["no", "yes"] * 2, "no"]))


def test_a_table_of_one_column():
    """The conversion that is named works for a table as for an array and a list."""
    for given in (pd.DataFrame({"y": y}), y[:, np.newaxis], y[:, np.newaxis].tolist()):
        with pytest.raises(ValueError, match=r"^y: .*, given shape \(6, 1\); use np.ravel\(y\)$"):
            logistic.nll(w, X, given)
        compare.same(logistic.nll(w, X, np.ravel(given)), logistic.nll(w, X, y))


def test_strings_beside_the_design_matrix():
    """Columns of 0 and 1 are for features: no other argument becomes right by them."""
    for call in (
        lambda: conventions.class_weights("balanced", y),
        lambda: estimation.newton(X, y, penalty="l2"),
        lambda: estimation.newton(X, y, tol="1e-8"),
        lambda: logistic.nll(w, X, y, sample_weight=pd.Series(["a", "b"] * 3)),
    ):
        with pytest.raises(
            TypeError, match=r"^\w+: expected real numbers, given [^;]* of type [^;]*$"
        ):
            call()


def test_a_missing_label():
    with pytest.raises(
        ValueError, match=r"^y: expected .*given <NA> at index 1|a series with <NA>"
    ):
        estimation.newton(X, pd.Series([1, None, 0, 1, 0, 1], dtype="Int64"))


def test_one_dimension_less():
    """A vector is not taken for a matrix of one column or one row."""
    for function in (logistic.nll, engine_logistic.nll, estimation.newton, separation.binary):
        given = {"X": X[:, 1], "y": y, **({"w": w[:1]} if "nll" in function.__name__ else {})}
        with pytest.raises(ValueError, match=r"^X: expected .*, given shape \(6,\)"):
            function(**given)
    with pytest.raises(ValueError, match=r"^W: expected .*, given shape \(2,\)"):
        softmax.nll(W[0], X, classes)


@pytest.mark.parametrize("K", [200, 300])
def test_many_classes(K):
    """No label is cast to a type in which it becomes another."""
    rng = np.random.default_rng(K)
    point, labels = rng.normal(size=(K, 2)), rng.integers(K - 60, K, N)
    expected = softmax.losses(X @ point.T, labels).sum()
    for room in (softmax, engine_softmax):
        value = room.nll(point, X, labels)
        compare.check(
            value,
            sum(
                softmax.logsumexp(x @ point.T) - (x @ point.T)[a]
                for x, a in zip(X, labels, strict=True)
            ),
            statement="softmax.nll",
            oracle="identity",
            case=f"K = {K}",
            ulp=16,
        )
        compare.check(
            value,
            expected,
            statement="softmax.nll",
            oracle="identity",
            case=f"losses, K = {K}",
            ulp=16,
        )
