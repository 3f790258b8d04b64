"""Generated SymPy: source and expression agree, no index is captured, and the values are right."""

import ast

import compare
import generated
import numpy as np
import pytest
import sympy
from mpmath import mp
from sympy.core.function import AppliedUndef

from derivations.language import terms
from derivations.language.statement import ALGEBRA, Chain, Statement, Step
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Limit,
    Product,
    Sum,
    exp,
    log,
    scalar,
    term,
    total,
)
from derivations.notation import K, N, X, a, any_phi, i, j, k, l, t, v, w
from derivations.prints import codegen, sympy_code
from derivations.proof import digits

SMALL = {"N": 2, "K": 3, "M": 2, "n": 2}

row = Definition("z", (i,), total(k, w[k] * X[i, k]))
square = Definition("square", (t,), t * t)
half = Definition("half", (t,), t / 2)
everything = Definition("C", (), total(i, row[i] ** 2))

SYNTHETIC = {
    "index bound in a named quantity and free": total(i, X[i, k] * row[i]),
    "index bound in a named quantity and around it": total(k, total(i, X[i, k] * row[i])),
    "index free and bound": w[k] + total(k, v[k]) * total(k, w[k]),
    "derivative of a named quantity": D(everything(), w[k]),
    "second derivative": D(D(everything(), w[k]), w[l]),
    "name of a sum": square(total(k, w[k])) + total(k, square(w[k])),
    "name of a number": half(1) + half(term(1) / 3) + w[k],
    "exact quotients": (term(1) / 3) ** 2 * w[k] - term(2) / 3,
    "negative of a sum times": -(w[k] + v[k]) * w[k] - (w[k] - (v[k] - w[l])),
    "number times a sum": 2 * (w[k] + v[k]) * w[l],
    "delta": total(k, Delta(k, l) * w[k]),
    "product": Product(i, 1 + exp(X[i, k])),
    "limit": Limit(1 / (1 + exp(-t)), t, -1),
    "any function": any_phi(w[k] ** 2) + any_phi.prime(w[k]),
    "letters that arrays have": total(j, X[j, k] * Array("j", (N,))[j] * Array("i1", (N,))[j]),
    "awkward names": scalar("lambda") * scalar("delta'") * scalar("N'") * Array("S", (K,))[a],
}


def lines(name):
    """The sides of the equations of a statement, with their free indices."""
    return sympy_code.equation_terms(generated.STATEMENTS[name])


@pytest.mark.parametrize("name", generated.STATEMENTS)
def test_source_builds_the_equations(name, tmp_path):
    statement = generated.STATEMENTS[name]
    source = sympy_code.sympy_code(statement)
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [node.module for node in imports] == ["sympy"]
    module = generated.load(source, tmp_path / "equations.py")
    built = sympy_code.equations(statement)
    assert module.equations == built
    assert [sympy.srepr(e) for e in module.equations] == [sympy.srepr(e) for e in built]
    assert len(built) == len(statement.chains) + len(statement.defines) > 0
    assert not any(expression.atoms(sympy.Float) for expression in built)


def captured(expression, around=()):
    """The bound symbols that also stand outside their sum, or in a sum around it."""
    if isinstance(expression, sympy.Sum | sympy.Product):
        for bound, *_ in expression.limits:
            yield from {bound} & set(around)
            around = (*around, bound)
    for argument in expression.args:
        yield from captured(argument, around)


@pytest.mark.parametrize("name", generated.STATEMENTS)
def test_no_index_is_captured(name):
    for equation in sympy_code.equations(generated.STATEMENTS[name]):
        assert list(captured(equation, tuple(equation.free_symbols))) == []


def test_a_captured_index_is_seen():
    k_, n_ = sympy.symbols("k n", integer=True, positive=True)
    w_ = sympy.IndexedBase("w")
    inner = sympy.Sum(w_[k_], (k_, 1, n_))
    assert list(captured(w_[k_] * inner, (w_[k_] * inner).free_symbols)) == [k_]
    assert list(captured(sympy.Sum(w_[k_] * inner, (k_, 1, n_)))) == [k_]


def value(e, known):
    """The value of an expression by its definition; ``known`` holds numbers for names and places.

    Nothing of SymPy is evaluated: a sum is a loop, a derivative a difference.
    """

    def at(part):
        return value(part, known)

    match e:
        case sympy.pi:
            return mp.pi
        case sympy.Rational():
            return mp.mpf(e.p) / e.q
        case sympy.Symbol():
            return known[str(e)]
        case sympy.Indexed():
            return known[key(e, known)]
        case sympy.Add():
            return mp.fsum(map(at, e.args))
        case sympy.Mul():
            return mp.fprod(map(at, e.args))
        case sympy.Pow():
            return at(e.base) ** at(e.exp)
        case sympy.exp() | sympy.log() | sympy.Abs() | sympy.Min() | sympy.Max():
            return FUNCTIONS[type(e)](*map(at, e.args))
        case sympy.KroneckerDelta():
            return mp.mpf(at(e.args[0]) == at(e.args[1]))
        case sympy.Sum() | sympy.Product():
            (index, first, last), *_ = reversed(e.limits)
            inner = e.func(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function
            places = range(int(at(first)), int(at(last)) + 1)
            parts = [value(inner, {**known, str(index): place}) for place in places]
            return mp.fsum(parts) if isinstance(e, sympy.Sum) else mp.fprod(parts)
        case sympy.Derivative():
            *before, last = e.variables
            inner = e.expr if not before else sympy.Derivative(e.expr, *before)
            entry, step = key(last, known), mp.mpf(10) ** -30
            ahead, behind = ({**known, entry: known[entry] + s} for s in (step, -step))
            return (value(inner, ahead) - value(inner, behind)) / (2 * step)
        case sympy.Subs():
            name = e.expr.expr.func.__name__
            return digits.any_function(f"{name} 0", e.expr.derivative_count, at(e.point[0]))
        case sympy.Limit():
            far = -1000 if e.args[2] is sympy.S.NegativeInfinity else 1000
            return value(e.args[0], {**known, str(e.args[1]): mp.mpf(far)})
        case AppliedUndef() if e.func.__name__ in NORMAL:
            return NORMAL[e.func.__name__](at(e.args[0]))
        case AppliedUndef():
            return digits.any_function(f"{e.func.__name__} 0", 0, at(e.args[0]))
    raise TypeError(type(e))


NORMAL = {"density": mp.npdf, "cumulative": mp.ncdf}
FUNCTIONS = {sympy.exp: mp.exp, sympy.log: mp.log, sympy.Abs: abs, sympy.Min: min, sympy.Max: max}


def key(e, known):
    """The name and place of an entry."""
    if isinstance(e, sympy.Indexed):
        return str(e.base), *(int(value(index, known)) for index in e.indices)
    return str(e)


def entries(arrays):
    """Nested lists as a table from name and place to number."""
    found = {}

    def fill(place, part):
        if not isinstance(part, list):
            found[place if len(place) > 1 else place[0]] = mp.mpf(part)
            return
        for number, inner in enumerate(part, 1):
            fill((*place, number), inner)

    for name, numbers in arrays.items():
        fill((name,), numbers)
    return found


def size_or_index(name):
    return sympy.Symbol(name, integer=True, positive=True)


def assert_value(node, name, case):
    """A term's expression, at places all alike and all apart, against the term at 30 digits."""
    arrays = generated.arrays_in(node)
    free = sorted(terms.free_indices(node), key=lambda index: index.name)
    # A delta may be all that a dimension has in the line.
    sizes = generated.sizes_for([*arrays, *(index.dimension for index in free)], SMALL)
    numbers = generated.numbers(arrays, sizes)
    expected = np.array(generated.table(node, free, numbers, sizes), dtype=object)
    expression = sympy_code.to_sympy(node)
    known = {codegen.identifier(size): number for size, number in sizes.items()} | entries(numbers)
    for places in {(0,) * len(free), tuple(range(len(free)))}:
        places = tuple(p % size for p, size in zip(places, expected.shape, strict=True))
        at = {index.name: place + 1 for index, place in zip(free, places, strict=True)}
        with mp.workdps(digits.working_digits(node, 30)):
            actual = np.float64(value(expression, known | at))
        computed, wanted = generated.off_zero(actual, expected[places])
        compare.check(computed, wanted, statement=name, oracle="50 digits", case=case, ulp=2)


@pytest.mark.parametrize("name", generated.STATEMENTS)
def test_values(name):
    for number, (left, _, right) in enumerate(lines(name)):
        if number >= len(generated.STATEMENTS[name].defines):
            assert_value(left, name, f"left side of {number}")
        assert_value(right, name, f"right side of {number}")


@pytest.mark.parametrize("case", SYNTHETIC)
def test_line(case):
    assert_value(SYNTHETIC[case], "line", case)
    expression = sympy_code.to_sympy(SYNTHETIC[case])
    free = {size_or_index(index.name) for index in terms.free_indices(SYNTHETIC[case])}
    assert list(captured(expression, tuple(free))) == []


def assert_source(node, folder):
    """The source of a term builds its expression."""
    statement = Statement("", "", (Chain(node, (Step(node, ALGEBRA),)),))
    module = generated.load(sympy_code.sympy_code(statement), folder / "equations.py")
    assert [sympy.srepr(side) for side in module.equations[0].args] == [
        sympy.srepr(sympy_code.to_sympy(node))
    ] * 2


@pytest.mark.parametrize("case", SYNTHETIC)
def test_line_source(case, tmp_path):
    assert_source(SYNTHETIC[case], tmp_path)


@pytest.mark.parametrize("name", ['x"); raise SystemExit  #', "x\\", "0x", "x\u00b2", ""])
def test_a_name_is_a_name_whatever_it_is_made_of(name, tmp_path):
    assert sympy_code.to_sympy(scalar(name) + 1) == sympy.Symbol(name, real=True) + 1
    assert_source(scalar(name) + 1, tmp_path)


def test_a_division_by_zero_is_no_number():
    with pytest.raises(ZeroDivisionError, match="expected a number"):
        sympy_code.exact(term(1) / 0)


def test_doit():
    """SymPy's own evaluation, as a user finds it: sizes and an index put in, then ``doit``."""
    left, _, right = lines("logistic.nll_gradient")[0]
    sizes = {size_or_index(name): number for name, number in SMALL.items()}
    gradient, formula = (
        sympy_code.to_sympy(side).xreplace({**sizes, size_or_index("k"): sympy.Integer(2)}).doit()
        for side in (left, right)
    )
    assert not (gradient.atoms(sympy.Sum, sympy.Derivative) | formula.atoms(sympy.Sum))
    assert sympy.simplify(gradient - formula) == 0


def test_subs_misses_an_index_in_a_sum_of_derivatives():
    """Why an index is put in by xreplace, which is safe since none is captured."""
    derivative = sympy_code.to_sympy(total(l, D(D(everything(), w[k]), w[l]) * v[l]))
    index, place = size_or_index("k"), {size_or_index("k"): sympy.Integer(1)}
    assert index in derivative.subs(place).atoms(sympy.Symbol)
    assert index not in derivative.xreplace(place).atoms(sympy.Symbol)


def test_sums_run_from_one_to_a_symbolic_size():
    size, index = size_or_index("n"), size_or_index("k")
    weights = sympy.IndexedBase("w", real=True)
    assert sympy_code.to_sympy(total(k, w[k])) == sympy.Sum(weights[index], (index, 1, size))


def test_log_of_a_sum_is_left_alone():
    assert isinstance(sympy_code.to_sympy(log(total(k, exp(w[k])))), sympy.log)
    assert isinstance(sympy_code.to_sympy(Sum(k, w[k])), sympy.Sum)
