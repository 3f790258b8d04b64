"""Values, gradients and Hessians by the peers on the designs of the tests.

Where nothing is saturated the peers agree with us to 256 ulp of the largest entry: their own
error, since ours is at most 16. Where something is, they lose digits: that is measured against
50 digits and recorded, and asserted only of us.
"""

import compare
import designs
import libraries
import loops
import numpy as np
import pytest
import record
from mpmath import mp

from reference_impl import identification, logistic, sigmoid, softmax


def places(all_designs, classes):
    """Library and design; statsmodels numbers the classes that occur, so all have to."""
    return [
        pytest.param(library, design, id=f"{library} {design}")
        for design in all_designs
        if "saturated" not in design.flags
        for library in libraries.DERIVATIVES
        if library != "statsmodels" or len(set(design.y[weights(design) > 0])) == classes(design)
    ]


def weights(design):
    """Whole numbers, because statsmodels takes repeated rows only."""
    return np.ones(len(design.X)) if design.s is None else np.ceil(design.s)


def agree(library, design, statements, ours, theirs):
    for statement, mine, peer in zip(statements, ours, theirs, strict=True):
        compare.check(
            mine,
            np.asarray(peer).tolist(),
            statement=statement,
            oracle=library,
            case=str(design),
            ulp=256,  # 106 seen: p (1 - p) by JAX, in which 1 - p cancels
        )


@pytest.mark.parametrize(("library", "design"), places(designs.LOGISTIC, lambda design: 2))
def test_binary(library, design):
    s = weights(design)
    data = design.w, design.X, design.y
    ours = [
        function(*data, sample_weight=s)
        for function in (logistic.nll, logistic.nll_gradient, logistic.nll_hessian)
    ]
    theirs = libraries.DERIVATIVES[library].binary(*data, s)
    agree(
        library,
        design,
        ["logistic.nll", "logistic.nll_gradient", "logistic.nll_hessian"],
        ours,
        theirs,
    )


@pytest.mark.parametrize(
    ("library", "design"), places(designs.SOFTMAX, lambda design: len(design.W))
)
def test_multinomial(library, design):
    s = weights(design)
    data = design.W, design.X, design.y
    value, gradient, hessian = [
        function(*data, sample_weight=s)
        for function in (softmax.nll, softmax.nll_gradient, softmax.nll_hessian)
    ]
    if library == "statsmodels":
        M = identification.reference_class_coding(len(design.W))
        gradient = identification.code_gradient(M, gradient)
        hessian = identification.code_hessian(M, hessian)
    theirs = libraries.DERIVATIVES[library].multinomial(*data, s)
    agree(
        library,
        design,
        ["softmax.nll", "softmax.nll_gradient", "softmax.nll_hessian"],
        [value, gradient, hessian],
        theirs,
    )


OURS = {
    "sigmoid": ("sigmoid.stable", sigmoid.sigmoid, loops.sigmoid_all),
    "log_sigmoid": ("sigmoid.log_sigmoid", sigmoid.log_sigmoid, loops.log_sigmoid_all),
    "softplus": ("sigmoid.softplus", sigmoid.softplus, loops.softplus_all),
    "softmax": ("softmax.definition", softmax.softmax, loops.softmax),
    "log_softmax": ("log_softmax.forward", softmax.log_softmax, loops.log_softmax),
    "logsumexp": ("softmax.term_left_out", softmax.logsumexp, loops.logsumexp),
}
SCALARS = [-744.0, -720.0, -40.0, -20.5, -1.0, 0.0, 1.0, 20.5, 36.5, 40.0, 300.0, 700.0]
LOGITS = [
    [1.0, 2.0, 3.0],
    [0.0, 40.0],
    [0.0, 300.0, 1.0],
    [-300.1, 400.3, 12.7],
    [0.0, -740.0],
    [1000.0, 1000.5, 999.0],
]


@pytest.mark.parametrize("function", OURS)
def test_accuracy_beside_the_peers(function):
    """Ours within 4 ulp of 50 digits; theirs measured and recorded."""
    statement, ours, loop = OURS[function]
    scalar = function in ("sigmoid", "log_sigmoid", "softplus")
    for z in [[t] for t in SCALARS] if scalar else LOGITS:
        exact = loops.at(400, loop, z)
        case = str(z)
        compare.check(
            ours(z), exact, statement=statement, oracle="loops", case=case, ulp=4, entrywise=True
        )
        values = {"this project": ours(z)}
        for library, theirs in libraries.ELEMENTARY[function].items():
            values[library] = theirs(np.array(z))
        record.ACCURACY.append(
            {
                "function": function,
                "input": case,
                "exact": text(exact),
                "values": {name: np.asarray(value).tolist() for name, value in values.items()},
                "ulp": {name: error(value, exact) for name, value in values.items()},
            }
        )


def test_loss_of_a_confident_right_answer_beside_the_peers():
    """At z = 40 and y = 1, K = 2: the loss is log(1 + e^-40) = 4.2e-18."""
    X, y, s = np.array([[1.0]]), np.array([1]), np.ones(1)
    w, W = np.array([40.0]), np.array([[0.0], [40.0]])
    exact = loops.at(80, loops.softplus, -40.0)
    for function, ours, parameters in [
        ("logistic.nll", logistic.nll, w),
        ("softmax.nll", softmax.nll, W),
    ]:
        mine = ours(parameters, X, y)
        compare.check(mine, exact, statement=function, oracle="loops", case="z=40", ulp=4)
        values = {"this project": mine}
        for name, library in libraries.DERIVATIVES.items():
            if name != "statsmodels":  # it takes no data with one class
                call = library.binary if parameters is w else library.multinomial
                values[name] = call(parameters, X, y, s)[0]
        record.ACCURACY.append(
            {
                "function": function,
                "input": "z=40, the right class",
                "exact": text(exact),
                "values": {name: float(value) for name, value in values.items()},
                "ulp": {name: error(value, exact) for name, value in values.items()},
            }
        )


def text(exact):
    if isinstance(exact, list):
        return [text(entry) for entry in exact]
    return mp.nstr(exact, 20)


def error(value, exact):
    """The largest error over the entries, each in its own ulp; null if it is not finite."""
    values = np.atleast_1d(np.asarray(value, dtype=float)).tolist()
    exact = exact if isinstance(exact, list) else [exact]
    with mp.workdps(60):
        if not np.isfinite(values).all():
            return None
        return max(
            compare._in_ulp(abs(mp.mpf(v) - e), e) for v, e in zip(values, exact, strict=True)
        )
