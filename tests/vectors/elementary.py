"""Functions of logits: sigmoid, log-sigmoid, softplus; softmax, log-softmax and log-sum-exp."""

import loops
from mpmath import mp

from vectors.arithmetic import (
    ONE,
    ZERO,
    Number,
    each,
    exp,
    larger,
    log,
    log1p,
    size,
    total,
)
from vectors.cases import Argument, File, Invalid, Valid, eighths, full, refusals

# ------------------------------------------------------------------ formulas, the careful form


def sigmoid(t: Number) -> Number:
    """Written with e^-|t|."""
    e = exp(-size(t))
    return (ONE if t.ball >= 0 else e) / (ONE + e)


def softplus(t: Number) -> Number:
    return larger(t, ZERO) + log1p(exp(-size(t)))


def log_sigmoid(t: Number) -> Number:
    return -softplus(-t)


def left_out(z):
    """The largest entry m, z - m, and the sum of e^(z - m) over the others."""
    top = max(range(len(z)), key=lambda c: float(z[c].ball))
    d = [entry - z[top] for entry in z]
    e = [ONE if c == top else exp(d[c]) for c in range(len(z))]
    return z[top], d, e, total(e[c] for c in range(len(z)) if c != top)


def softmax(z):
    _, _, e, others = left_out(z)
    return [entry / (ONE + others) for entry in e]


def log_softmax(z):
    _, d, _, others = left_out(z)
    return [entry - log1p(others) for entry in d]


def logsumexp(z, b=None):
    if b is not None:
        z = [entry + log(factor) for entry, factor in zip(z, b, strict=True) if factor.positive]
    m, _, _, others = left_out(z)
    return m + log1p(others)


def along(function, z, axis=-1):
    """A function of rows, along an axis of a vector or a matrix."""
    if not isinstance(z[0], list):
        return function(z)
    if axis in (-1, 1):
        return [function(row) for row in z]
    return columns([function(column) for column in columns(z)])


def columns(z):
    return [list(column) for column in zip(*z, strict=True)]


def flat(z):
    return [entry for row in z for entry in row]


def summed(function, z, axis=-1, b=None):
    """A sum over one axis, or over all of them where the axis is null or a list of all."""
    if not isinstance(z[0], list):
        return function(z, b)
    if b is not None and not isinstance(b[0], list):
        b = [b for _ in z]
    if axis is None or isinstance(axis, list):
        return function(flat(z), None if b is None else flat(b))
    if axis == 0:
        z, b = columns(z), None if b is None else columns(b)
    return [function(row, None if b is None else b[i]) for i, row in enumerate(z)]


# ------------------------------------------------------------------ oracles, the definition


def plain_logsumexp(z, b=None):
    terms = [mp.exp(entry) for entry in z]
    return mp.log(loops.dot(terms, [1] * len(z) if b is None else b))


# ------------------------------------------------------------------ inputs

SCALARS = [
    0.0, -0.125, 0.5, 1.0, -1.0, 2.75, -3.5, 5.25, -7.0, 11.5, -15.0, 20.5, -20.5, 30.0, -30.0, 36.5,
    -36.75, 37.0, 40.0, -40.0, 100.0, -100.0, 300.0, -300.0, 700.0, -700.0, 709.5, -709.0, -709.75,
    -720.25, 720.25, -740.0, -744.0, 745.0, 1000.0, 1e-9, -1e-9, 1e-300, 0.1, -0.3, 3.3, -17.7,
]  # fmt: skip


def scalars(name):
    for t in SCALARS:
        yield Valid(f"t={t:g}", {"t": [t]})
    yield Valid("several", {"t": [-3.5, -1.0, -0.125, 1e-9, 0.1, 1.0, 2.75, 20.5]})
    yield Valid("a matrix", {"t": eighths(name, 2, 3)})
    yield Valid("full mantissa", {"t": full(name, 5)})
    yield Valid("full mantissa, large", {"t": full(name, 5, scale=100.0)})


def scalar_file(statement, function, quantity, formula, loop, why):
    arguments = {"t": Argument("any shape", infinite=True)}
    return File(
        statement,
        function,
        quantity,
        arguments,
        lambda t: each(formula, t),
        lambda t: each(loop, t),
        why,
        list(scalars(statement)),
        [
            invalid
            for base in ([0.5, -1.0], [[0.5, 1.0], [2.0, -3.0]], [1.0, 700.0, -700.0])
            for invalid in refusals(arguments, {"t": base})
        ],
    )


ROWS = {
    "one class": [1.5],
    "two classes": [0.5, -1.25],
    "three classes": [1.0, 2.0, 3.0],
    "all equal": [0.125, 0.125, 0.125, 0.125],
    "two largest": [2.0, -1.5, 2.0],
    "three largest": [0.5, 0.5, -2.0, 0.5, 0.25],
    "zeros": [0.0, 0.0],
    "confident": [0.0, 40.0],
    "confident, first": [38.5, 0.0, 1.0],
    "z=30": [30.0, 0.0, -1.0],
    "z=300": [-300.0, 0.5, 1.0],
    "z=700": [700.0, 0.0, -5.0],
    "z=745": [0.0, -744.0, -2.0],
    "all subnormal but one": [-1000.0, -1710.0, -1730.25],
    "large and close": [1000.0, 1000.5, 999.0],
    "large and negative": [-2000.25, -2000.0],
    "largest of all": [1e300, 1e300, 0.0],
    "inexact difference": [-300.1, 400.3, 12.7],
    "ten classes": [0.5, -1.0, 2.25, 0.125, -3.0, 1.5, 1.625, -0.25, 0.75, -2.0],
    "ascending": [-2.0, -1.0, 0.0, 1.0, 2.0],
    "nearly equal": [1.0, 1.0000000000000002],
    "tiny": [1e-300, -1e-300, 0.0],
    "the last is far below": [0.25, 0.5, -45.0],
}


def rows(name):
    for comment, z in ROWS.items():
        yield Valid(comment, {"z": z})
    for K in (2, 3, 5):
        yield Valid(f"full mantissa, K={K}", {"z": full(f"{name} {K}", K)})
        yield Valid(
            f"full mantissa, large, K={K}", {"z": full(f"{name} large {K}", K, scale=200.0)}
        )
    for N, K in [(1, 3), (2, 3), (3, 2), (5, 4), (3, 3), (2, 2)]:
        z = eighths(f"{name} {N} {K}", N, K)
        yield Valid(f"{N} rows, K={K}", {"z": z})
        yield Valid(f"{N} x {K}, along axis 0", {"z": z, "axis": 0})
        yield Valid(f"{N} x {K}, along axis 1", {"z": z, "axis": 1})


def refused_rows(arguments):
    for base in ([0.5, -1.25, 2.0], [[0.5, 1.0], [2.0, -3.0]]):
        yield from refusals(arguments, {"z": base})
    yield from no_such_axis([[0.5, 1.0], [2.0, -3.0]])


def no_such_axis(z):
    for axis in (2, -3):
        yield Invalid(
            f"axis {axis}", {"z": z, "axis": axis}, "shape", f"axis: z has no axis {axis}"
        )
    yield Invalid("axis 0.5", {"z": z, "axis": 0.5}, "type", "axis: no integer")
    yield Invalid("axis a word", {"z": z, "axis": "rows"}, "type", "axis: no integer")


def row_file(statement, function, quantity, formula, loop, why):
    arguments = {
        "z": Argument("any shape", infinite=True),
        "axis": Argument("integer, -1 otherwise", optional=True),
    }
    no_limit = [
        ("an infinite logit", [0.5, "inf"]),
        ("all logits -infinity", ["-inf", "-inf"]),
        ("a row of -infinity", [[0.5, 1.0], ["-inf", "-inf"]]),
        ("two infinite logits", ["inf", 1.0, "inf"]),
    ]
    return File(
        statement,
        function,
        quantity,
        arguments,
        lambda z, axis=-1: along(formula, z, axis),
        lambda z, axis=-1: along(loop, z, axis),
        why,
        list(rows(statement)),
        [
            *refused_rows(arguments),
            Invalid("empty", {"z": []}, "shape", "z: no logit"),
            Invalid("no classes", {"z": [[], []]}, "shape", "z: no logit in a row"),
            *(
                Invalid(comment, {"z": z}, "not finite", "z: the limit does not exist")
                for comment, z in no_limit
            ),
        ],
    )


def sums():
    yield from rows("softmax.logsumexp")
    for comment, z in {
        "cancels to 1e-5": [-0.69314, -0.69316],
        "near zero": [-1.0, -0.4586751],
    }.items():
        yield Valid(comment, {"z": z})
    z = eighths("logsumexp", 2, 3)
    yield Valid("all axes", {"z": z, "axis": None})
    yield Valid("both axes", {"z": z, "axis": [0, 1]})
    for comment, z, b in [
        ("weights", [0.5, -1.25, 2.0], [0.5, 2.0, 0.125]),
        ("weights of one", [0.5, -1.25, 2.0], [1.0, 1.0, 1.0]),
        ("a weight of zero", [0.5, -1.25, 2.0], [1.5, 2.0, 0.0]),
        ("large weights", [0.5, -700.0, 700.0], [1e300, 1e10, 1e-300]),
        ("weights 3, 5, 7", [0.1, -0.2, 0.3], [3.0, 5.0, 7.0]),
        ("a probability", [1.0, 2.0], [0.25, 0.75]),
        ("hidden largest", [800.0, 1.0, 2.0], [0.0, 1.0, 3.0]),
        ("a matrix of weights", eighths("z", 2, 3), [[0.5, 1.0, 2.0], [3.0, 0.0, 0.25]]),
        ("weights for each row", eighths("z row", 3, 2), [0.5, 3.0]),
    ]:
        yield Valid(comment, {"z": z, "b": b})
    yield Valid("weights, axis 0", {"z": eighths("z 0", 3, 2), "axis": 0, "b": [0.5, 3.0]})
    yield Valid("weights, all axes", {"z": eighths("z -", 2, 2), "axis": None, "b": [0.5, 3.0]})


def sum_file():
    arguments = {
        "z": Argument("any shape", infinite=True),
        "axis": Argument("integer, list of integers, or null for all; -1 otherwise", optional=True),
        "b": Argument("any shape that broadcasts to that of z", optional=True),
    }
    z = [0.5, -1.25, 2.0]
    return File(
        "softmax.term_left_out",
        "softmax.logsumexp",
        "log sum_c b_c e^z_c along an axis; b_c = 1 where no b is given",
        arguments,
        lambda z, axis=-1, b=None: summed(logsumexp, z, axis, b),
        lambda z, axis=-1, b=None: summed(plain_logsumexp, z, axis, b),
        "m + log1p(sum of e^(z - m) over the others): each z - m, product and sum half an ulp, "
        "exp, log and log1p one; z - m rounded turns into a relative error of its exponential, and "
        "where m and the logarithm cancel, their errors stay",
        list(sums()),
        [
            *refused_rows(arguments),
            *refusals(arguments, {"z": z, "b": [0.5, 1.0, 2.0]}),
            Invalid("empty", {"z": []}, "shape", "z: no logit"),
            Invalid(
                "an axis twice", {"z": [z, z], "axis": [0, 0]}, "shape", "axis: twice the same"
            ),
            Invalid(
                "a negative weight", {"z": z, "b": [0.5, -1.0, 2.0]}, "domain", "b: below zero"
            ),
            Invalid("too few weights", {"z": z, "b": [0.5, 1.0]}, "shape", "b: does not broadcast"),
            Invalid("too many weights", {"z": z, "b": [1.0] * 4}, "shape", "b: does not broadcast"),
        ],
    )


def files():
    yield scalar_file(
        "sigmoid.stable",
        "sigmoid.sigmoid",
        "1 / (1 + e^-t), entry by entry",
        sigmoid,
        loops.sigmoid,
        "with e = exp(-|t|) <= 1: exp one ulp, 1 + e and the quotient half an ulp each",
    )
    yield scalar_file(
        "sigmoid.log_sigmoid",
        "sigmoid.log_sigmoid",
        "log(1 / (1 + e^-t)), entry by entry",
        log_sigmoid,
        loops.log_sigmoid,
        "min(t, 0) - log1p(e^-|t|): exp and log1p one ulp each, the difference half an ulp",
    )
    yield scalar_file(
        "sigmoid.softplus",
        "sigmoid.softplus",
        "log(1 + e^t), entry by entry",
        softplus,
        loops.softplus,
        "max(t, 0) + log1p(e^-|t|): exp and log1p one ulp each, the sum half an ulp",
    )
    yield row_file(
        "softmax.definition",
        "softmax.softmax",
        "e^z_u / sum_c e^z_c along an axis",
        softmax,
        loops.softmax,
        "with m the largest entry: z - m half an ulp, which the exponential turns into a relative "
        "error of |z - m| u; exp one ulp, each sum and the quotient half an ulp",
    )
    yield row_file(
        "log_softmax.forward",
        "softmax.log_softmax",
        "z_u - log sum_c e^z_c along an axis",
        log_softmax,
        loops.log_softmax,
        "(z - m) - log1p(sum of e^(z - m) over the others): z - m, sums and difference half an ulp, "
        "exp and log1p one ulp each",
    )
    yield sum_file()
