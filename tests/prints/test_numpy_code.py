"""Generated NumPy: the derived line at 30 digits, without a loop, for every statement."""

import ast

import compare
import generated
import numpy as np
import pytest

from derivations.language import matrices
from derivations.language.matrices import Diagonal, Ones, Whole
from derivations.language.statement import ALGEBRA, Chain, Statement, Step
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Size,
    exp,
    log,
    product,
    total,
    unknown,
)
from derivations.notation import K, N, X, a, b, i, j, k, l, m, n, t, v, w, y
from derivations.prints import codegen, numpy_code

Y = Array("Y", (N, K), domain="unit")
W = Array("W", (K, n))
T = Array("T", (N, K, n))
A, B = Array("A", (n, n)), Array("B", (n, n))
r, c = Array("r", (K,)), Array("c", (K,))
probability = Definition("P", (i, a), exp(Y[i, a]) / total(b, exp(Y[i, b])))
phi = unknown("phi")
square = Definition("square", (t,), t * t)


def equal(left, right, at=(), matrix=None):
    """A statement of one line; the left side is of no account here."""
    return Statement(
        "", "", (Chain(left, (Step(right, ALGEBRA),), at, matrix=matrix and (Whole(w), matrix)),)
    )


# What no statement may happen to need. Each is computed at sizes that are all apart and all alike.
SYNTHETIC = {
    "three axes": (total(k, T[i, a, k] * w[k]), (a, i)),
    "trace": (total(k, A[k, k]), ()),
    "diagonal": (A[k, k] * w[k], (k,)),
    "transposed": (A[k, l] + B[l, k], (k, l)),
    "product of matrices": (total(k, A[l, k] * B[k, m]), (m, l)),
    "both first axes": (total(i, X[i, k] * X[i, l]), (l, k)),
    "weighted": (total(i, y[i] * X[i, k] * X[i, l]), (k, l)),
    "batch": (total(a, Y[i, a] * W[a, k] * r[a]), (k, i)),
    "shared index": (total(a, T[i, a, k] * Y[i, a]), (i, k)),
    "delta in a sum": (total(b, Delta(a, b) * (W[b, k] + r[b])), (a, k)),
    "delta with an index bound inside": (
        total(a, Delta(a, b) * total(k, W[a, k]) * Y[i, a]),
        (i, b),
    ),
    "delta": (Y[i, a] * (Delta(a, b) - Y[i, b]), (b, i, a)),
    "only a delta": (Delta(a, b), (a, b)),
    "sum of a constant": (total(i, w[k]), (k,)),
    "sum of a negative": (total(i, -(X[i, k] * y[i])), (k,)),
    "sum of one": (total(i, total(a, 1)), ()),
    "size": (Size(N) * w[k] / Size(K), (k,)),
    "repeated along an axis": (w[k], (i, k)),
    "number along an axis": (total(k, w[k]), (i,)),
    "double sum": (total(i, total(j, (y[i] - y[j]) ** 2)), ()),
    "product": (product(i, product(a, 1 + Y[i, a])), ()),
    "product along an axis": (product(i, 2 + X[i, k] * w[k]), (k,)),
    "quotient by a free index": (total(k, W[a, k] / r[a]), (a,)),
    "named quantity": (probability[i, a] * probability[i, b], (i, a, b)),
    "power of a power": ((w[k] ** 2) ** 2 - (-w[k]) ** 2, (k,)),
    "negative of a power": (-(w[k] ** 2) * v[k], (k,)),
    "nested quotients": (w[k] / (2 / (3 + v[k] ** 2)), (k,)),
    "difference of differences": (w[k] - (v[k] - (1 - w[k])), (k,)),
    "function of several axes": (square(w[k] + r[a]), (a, k)),
    "function twice": (square(w[k]) - square(v[k]), (k,)),
    "any function": (phi(w[k] * v[k]) * phi.prime.prime(w[k]), (k,)),
    "logarithm of one plus": (log(1 + exp(w[k]) + w[k] ** 2), (k,)),
}


def value(statement, name, line, sizes, as_written, path):
    """What generated code gives for a result, and what it has to."""
    shown, arrays, expected = generated.line_case(line, generated.SIZES[sizes])
    source = numpy_code.numpy_code(statement, name, as_written=as_written)
    wanted = codegen.line_arguments(line if as_written else codegen.stably(line))
    given = [generated.argument(one, arrays, shown) for one in wanted]
    return getattr(generated.load(source, path), line.name)(*given), expected


def assert_agrees(statement, name, sizes, as_written, path):
    for line in codegen.results(statement, name):
        found = value(statement, name, line, sizes, as_written, path)
        actual, expected = generated.off_zero(*found)
        compare.check(actual, expected, statement=name, oracle="50 digits", case="", ulp=64)


@pytest.mark.parametrize("as_written", [False, True])
@pytest.mark.parametrize("sizes", ["apart", "alike"])
@pytest.mark.parametrize("name", generated.WITH_CODE)
def test_statement(name, sizes, as_written, tmp_path):
    assert_agrees(generated.STATEMENTS[name], name, sizes, as_written, tmp_path / "code.py")


@pytest.mark.parametrize("as_written", [False, True])
@pytest.mark.parametrize("name", generated.WITH_CODE)
def test_one_data_point_one_feature_one_class(name, as_written, tmp_path):
    for line in generated.RESULTS_OF[name]:
        actual, expected = value(
            generated.STATEMENTS[name], name, line, "ones", as_written, tmp_path / "code.py"
        )
        assert np.shape(actual) == np.shape(np.array(expected, dtype=object))
        assert np.isfinite(actual).all()


def assert_line(statement, sizes, path):
    """As for a statement, for a line of these tests."""
    for as_written in (False, True):
        assert_agrees(statement, "line", sizes, as_written, path)


@pytest.mark.parametrize("sizes", ["apart", "alike"])
@pytest.mark.parametrize("case", SYNTHETIC)
def test_line(case, sizes, tmp_path):
    right, at = SYNTHETIC[case]
    assert_line(equal(right, right, at), sizes, tmp_path / "code.py")


MATRICES = {
    "diagonal between": Whole(X).T @ Diagonal(Whole(y)) @ Whole(X),
    "diagonal first": Diagonal(Whole(y)) @ Whole(X) @ Whole(w),
    "diagonal first, a vector": Diagonal(Whole(w)) @ Whole(v),
    "identity": Whole(A) - Diagonal(Ones(n)),
    "rows summed": Whole(X) @ Ones(n),
    "columns summed": Whole(X).T @ Ones(N),
    "ones first": Ones(N).T @ Whole(X) @ Whole(A),
    "outer": Whole(w) @ Whole(v).T,
    "ones alone": Ones(n) + Ones(n),
    "ones and rows": Whole(X) - Ones(N) @ Whole(w).T + Whole(y) @ Ones(n).T,
    "number": (Whole(w).T @ Whole(v)),
    "number times a vector": Whole(v) @ (Whole(w).T @ Whole(v)),
    "entrywise": Whole(A) * Whole(B).T * Whole(A),
    "negative": -(2 * Whole(w)) - Whole(v),
}


@pytest.mark.parametrize("sizes", ["apart", "alike"])
@pytest.mark.parametrize("case", MATRICES)
def test_matrix_form(case, sizes, tmp_path):
    matrix = MATRICES[case]
    places = {N: (i, j), n: (k, l)}
    rows, columns = matrices.shape(matrix)
    at = tuple(
        places[d][d == rows and place == 1]
        for place, d in enumerate((rows, columns))
        if d in places
    )
    right = matrices.entry(matrix, at)
    statement = equal(right, right, at, matrix)
    assert_line(statement, sizes, tmp_path / "code.py")


@pytest.mark.parametrize("as_written", [False, True])
@pytest.mark.parametrize("name", generated.WITH_CODE)
def test_source(name, as_written):
    """No loop over data in Python, nothing but NumPy and SciPy, no line that leaves the page, no escape."""
    source = numpy_code.numpy_code(generated.STATEMENTS[name], name, as_written=as_written)
    tree = ast.parse(source)
    loops = (ast.While, ast.ListComp, ast.GeneratorExp, ast.Lambda)
    assert [node for node in ast.walk(tree) if isinstance(node, loops)] == []
    over = {ast.unparse(node.iter) for node in ast.walk(tree) if isinstance(node, ast.For)}
    assert over <= {"range(n)"}  # the features
    imports = [part for part in tree.body if isinstance(part, ast.Import)]
    functions = tree.body[len(imports) :]
    needed = {"import numpy as np"}
    if "scipy." in source:  # NumPy has no normal distribution
        needed |= {"import scipy.special"}
    assert {ast.unparse(part) for part in imports} == needed
    called = {line.name for line in generated.RESULTS_OF[name]}
    results = [function for function in functions if function.name in called]
    assert len(results) == len(called)
    for function in results:
        assert ast.get_docstring(function).startswith(f"{name}: ")
        assert [arg.arg for arg in function.args.args] == unique_names(function)
    names = [function.name for function in functions]
    assert len(names) == len(set(names))
    assert "\\" not in source
    assert max(map(len, source.splitlines())) <= 120


def unique_names(function):
    """The names of the arguments, each of which the body has to use."""
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return [arg.arg for arg in function.args.args if arg.arg in used]


def test_readable():
    """What a reader would write."""
    statement, name = generated.STATEMENTS["logistic.nll_gradient"], "nll_gradient"
    assert numpy_code.numpy_code(statement, name, as_written=True).endswith(
        "    z = X @ w\n    p = 1 / (1 + np.exp(-z))\n    return X.T @ (p - y)\n"
    )
    stable = numpy_code.numpy_code(statement, name)
    assert stable.endswith(
        "    z = X @ w\n    p = sigmoid(z)\n    return X.T @ ((1 - y) * p - y * sigmoid(-z))\n"
    )
    assert "\n\n\ndef nll_gradient(w, X, y):\n" in stable


def test_no_line():
    assert numpy_code.numpy_code(equal(D(w[k] ** 2, w[k]), 0, (k,)), "zero") is None


@pytest.mark.filterwarnings("error")
def test_hidden_keys_never_meet_an_exponential(tmp_path):
    """The largest score of all is hidden, the others lie far apart; a row sees one key."""
    source = numpy_code.numpy_code(generated.STATEMENTS["attention.forward"], "attention.forward")
    queries, keys = np.array([[1.0], [-1.0]]), np.array([[800.0], [-800.0], [1e5], [799.0]])
    mask = np.array([[1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    values = np.array([[1.0], [2.0], [3.0], [5.0]])
    share = 1 / (1 + np.exp(-1.0))
    found = generated.load(source, tmp_path / "code.py").forward(queries, keys, mask, values)
    expected = [[share * 1.0 + (1 - share) * 5.0], [5.0]]
    compare.check(found, expected, statement="attention.forward", oracle="by hand", case="", ulp=4)
