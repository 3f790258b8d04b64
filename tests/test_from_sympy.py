"""SymPy in and out: what is read means the same, and derivatives are right at random numbers."""

import random

import pytest
import sympy
from sympy import (
    Abs,
    Derivative,
    Eq,
    Function,
    HadamardProduct,
    Heaviside,
    Idx,
    IndexedBase,
    KroneckerDelta,
    MatrixSymbol,
    Max,
    Min,
    OneMatrix,
    Product,
    Rational,
    Subs,
    Sum,
    Symbol,
    cos,
    cosh,
    erf,
    exp,
    log,
    pi,
    sin,
    sinh,
    sqrt,
    symbols,
    tanh,
)

from derivations import from_sympy
from derivations.derive import derive
from derivations.from_sympy import NotRead, derive_sympy, term_of
from derivations.language.terms import Definition
from derivations.prints import mathematics

N, n, K = symbols("N n K", integer=True, positive=True)
i, j, k, l = Idx("i", N), Idx("j", N), Idx("k", n), Idx("l", n)
a, b = Idx("a", K), Idx("b", K)
X, W, Y, Z, w, y = map(IndexedBase, ("X", "W", "Y", "Z", "w", "y"))
tau = Symbol("tau", positive=True)
t = Symbol("t", real=True)
f = Function("f")
row = Sum(X[i, k] * w[k], k)
p = exp(Z[i, a] / tau) / Sum(exp(Z[i, b] / tau), b)
temperature = -Sum(Y[i, a] * log(p), a, i)
nll = Sum(log(1 + exp(row)) - y[i] * row, i)
r = Symbol("r")  # an index that is a symbol, from 1 on
A, B = MatrixSymbol("A", N, n), MatrixSymbol("B", N, n)
u, v = MatrixSymbol("u", n, 1), MatrixSymbol("v", N, 1)


def numbers(expression, sizes, seed=0):
    """Many digits of an expression at sizes; its entries are drawn, the same for the same name."""
    drawn = {}

    def value(part):
        key = str(part)
        if key not in drawn:
            drawn[key] = sympy.Rational(random.Random(f"{seed} {key}").randint(30, 170), 100)
        return drawn[key]

    put = dict(zip((N, n, K), map(sympy.Integer, sizes), strict=True))
    shown = expression
    free = [s for s in shown.atoms(Idx, sympy.Symbol) if s in shown.free_symbols]
    bound = {limit[0] for part in shown.atoms(Sum, Product) for limit in part.limits}
    at = {s: sympy.Integer(0) for s in free if isinstance(s, Idx) and s not in bound}
    shown = shown.xreplace(at).xreplace(put)
    shown = written_out(shown)
    shown = shown.replace(f, lambda x: sin(x) + x**3).doit()
    entries = {e: value(e) for e in shown.atoms(sympy.Indexed)}
    entries |= {e: value(e) for e in shown.atoms(sympy.matrices.expressions.matexpr.MatrixElement)}
    shown = shown.xreplace(entries)
    shown = shown.xreplace({s: value(s) for s in shown.free_symbols}).doit()
    assert shown.is_number and shown.is_finite
    return str(sympy.N(shown, 25))[:20]


def written_out(node):
    """A sum of given size as its addends, from the inside."""
    if not node.args or isinstance(node, (sympy.Indexed, Idx)):
        return node
    if isinstance(node, (Sum, Product)):
        body = node.function
        for index, low, high in node.limits:
            parts = [body.xreplace({index: sympy.Integer(m)}) for m in range(low, high + 1)]
            body = (sympy.Add if isinstance(node, Sum) else sympy.Mul)(*parts)
        return written_out(body)
    return node.func(*map(written_out, node.args))


EXPRESSIONS = {
    "sum": Sum(X[i, k] * w[k], k),
    "sums in sums": nll,
    "softmax": p,
    "log-softmax": temperature,
    "limits from one": Sum(w[r] ** 2, (r, 1, n)),
    "product": Product(1 + exp(X[i, k]), k),
    "delta": Sum(KroneckerDelta(k, l) * w[k], k),
    "powers": w[k] ** 3 / X[i, k] ** 2 - sqrt(w[k]) + 2**t - t ** Rational(-3, 2),
    "signs": -(w[k] - t) * (-X[i, k]) - (t - 1),
    "numbers": Rational(-2, 3) * t + pi * t**2 / 7 + sympy.E,
    "functions": exp(-t) + log(t) + erf(t) + Abs(t - 3) + sin(t) * cos(t) + tanh(t),
    "hyperbolic": sinh(t) / cosh(t),
    "extremes": Max(t, w[k], 1) - Min(t, X[i, k]),
    "size": Sum(w[k], k) / n,
    "unknown": Sum(f(X[i, k] * w[k]), k),
    "its derivative": Subs(Derivative(f(t), t), t, w[k] ** 2) + Derivative(f(t), t),
    "derivative": Derivative(Sum(w[k] ** 3, k), t) + Derivative(t**3, t),
    "elements": Sum(A[i, k] * u[k, 0], k) + v[i, 0],
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_round_trip(name):
    expression = EXPRESSIONS[name]
    reader = from_sympy.Reader()
    reader.note(expression)
    back = reader.back(reader.term(expression))
    for seed, sizes in enumerate([(2, 3, 2), (3, 1, 4), (1, 2, 3)]):
        assert numbers(expression, sizes, seed) == numbers(back, sizes, seed)


MATRICES = {
    "product": A * u,
    "transpose": A.T * (A * u - v),
    "entrywise": HadamardProduct(A, B) * u,
    "scaled": t * A * u - 2 * v,
    "quadratic form": (A * u - v).T * (A * u - v),
    "ones": OneMatrix(N, 1).T * A * u,
}


@pytest.mark.parametrize("name", MATRICES)
def test_matrices_are_their_entries(name):
    matrix = MATRICES[name]
    reader = from_sympy.Reader()
    reader.note(matrix)
    found = reader.back(reader.quantity(matrix))
    for sizes in [(2, 3, 1), (3, 2, 1)]:
        of_size = {N: sympy.Integer(sizes[0]), n: sympy.Integer(sizes[1])}
        explicit = matrix.xreplace(of_size).as_explicit()
        place = {
            s: sympy.Integer(0) for s in found.free_symbols if s.is_integer and s not in (N, n)
        }
        shown = found.xreplace(place)
        sized = {s: s.xreplace(of_size) for s in matrix.atoms(MatrixSymbol)}
        shown = written_out(shown.xreplace(of_size)).xreplace(sized)
        assert sympy.expand(shown - explicit[0, 0]) == 0


def test_derivative_of_the_temperature():
    found = derive_sympy(temperature, tau, given=[Eq(Sum(Y[i, a], a), 1)])
    inner = Sum(Z[i, b] * exp(Z[i, b] / tau), b) / Sum(exp(Z[i, b] / tau), b)
    by_hand = (Sum(Y[i, a] * Z[i, a], a, i) - Sum(inner, i)) / tau**2
    for sizes in [(2, 1, 3), (3, 1, 2)]:
        assert numbers(found, sizes) == numbers(by_hand, sizes)


def test_without_what_is_given_the_labels_stay():
    found = derive_sympy(temperature, tau)
    expected = temperature.diff(tau)
    assert numbers(found, (2, 1, 3)) == numbers(expected, (2, 1, 3))


def test_logistic_gradient_in_the_names_of_the_reader():
    found = derive_sympy(nll, w[l])
    by_hand = Sum((exp(row) / (1 + exp(row)) - y[i]) * X[i, l], i)
    assert found.free_symbols == by_hand.free_symbols
    for sizes in [(2, 3, 1), (3, 1, 1)]:
        assert numbers(found, sizes) == numbers(by_hand, sizes)


def test_an_array_gets_indices_of_its_own():
    found = derive_sympy(nll, w)
    free = {s for s in found.free_symbols if isinstance(s, Idx)}
    (index,) = free
    assert index in (k, l)
    named = derive_sympy(nll, w[l])
    assert numbers(found, (2, 3, 1)) == numbers(named, (2, 3, 1))


def test_second_derivative():
    found = derive_sympy(Sum(w[k] ** 3, k), w[k], w[l])
    assert sympy.simplify(found - 6 * w[k] * KroneckerDelta(k, l)) == 0


def test_gradient_by_a_matrix_symbol():
    found = derive_sympy((A * u - v).T * (A * u - v), u)
    (free,) = (s for s in found.free_symbols if s.is_integer and s not in (N, n))
    of_size = {N: sympy.Integer(2), n: sympy.Integer(3)}
    sized = {s: s.xreplace(of_size) for s in (A, u, v)}
    shown = written_out(found.xreplace({free: sympy.Integer(1)}).xreplace(of_size)).xreplace(sized)
    explicit = (2 * A.T * (A * u - v)).xreplace(of_size).as_explicit()
    assert sympy.expand(shown - explicit[1, 0]) == 0


def test_derive_takes_sympy():
    found = derive(nll, w)
    assert found.result.title == "Derivative of f by w"
    assert "X_ik" in mathematics.text(found.result.chains[0].last)


def test_order_is_that_of_sympy_and_no_name_is_lost():
    assert mathematics.text(term_of(Sum(w[k] * X[i, k], k) - t)) == "-t + Σ_k X_ik w_k"


M = Symbol("M", integer=True, positive=True)
m = Idx("m", M)
FAULTS = {
    "Heaviside: Heaviside(t) has no meaning here": Heaviside(t),
    "w[r]: the index r has no range": w[r],
    "w[c]: the index c has no range": w[Idx("c")],
    "w: its sizes are n in one place and M in another": w[k] * w[m],
    "Q[i, m]: m runs over M, not over n": IndexedBase("Q", shape=(N, n))[i, m],
    "w[k + 1]: the index k + 1 is no name that runs over a size": w[k] + w[k + 1],
    "w[0]: the index 0 is no name that runs over a size": w[k] + w[0],
    "r runs over 3: give the size a name, such as Symbol('N', positive=True)": Sum(w[r], (r, 1, 3)),
    "k runs from 0, others over n from 1": Sum(w[k], k) + Sum(w[r], (r, 1, n)),
    "f(t, tau): an unknown function takes one argument here": f(t, tau),
    "the index k stands where a number is expected": Sum(k * w[k], k),
    "Float: 0.500000000000000 has no meaning here": t + sympy.Float("0.5"),
    "A: a matrix; a term is one number, such as an entry": A,
}


@pytest.mark.parametrize("message", FAULTS)
def test_what_is_not_read_is_said(message):
    with pytest.raises(NotRead) as found:
        term_of(FAULTS[message])
    assert str(found.value) == message


def test_variables_that_are_none_are_named():
    with pytest.raises(NotRead, match="does not depend on X"):
        derive_sympy(Sum(w[k], k), X)
    with pytest.raises(NotRead, match="is no variable"):
        derive_sympy(Sum(w[k], k), t + 1)
    with pytest.raises(NotRead, match="what can be given"):
        derive_sympy(Sum(w[k], k), w[k], given=[Eq(t, 1)])


def test_a_term_is_made_that_the_language_takes():
    made = term_of(nll)
    assert Definition("f", (), made).body == made
