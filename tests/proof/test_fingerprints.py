"""Fingerprints: what is true agrees, what is false is refuted, what is open is left open."""

from fractions import Fraction

import pytest
from tally import COUNTS

import derivations
from derivations.language.statement import Hypothesis, as_term, pairs
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Dimension,
    Limit,
    Pow,
    Size,
    absolute,
    exp,
    expectation,
    log,
    maximum,
    scalar,
    sine,
    term,
    total,
    unknown,
)
from derivations.notation import K, N, a, b, i, j, k, l, v, w, y
from derivations.proof.fingerprints import AGREES, NOT_APPLICABLE, REFUTED, agrees

x, t, r = scalar("x"), scalar("t"), scalar("r", domain="positive")
half = Fraction(1, 2)
phi, psi = unknown("phi"), unknown("psi")
p, z = Array("p", (N,)), Array("z", (N, K))
slope = Definition("slope", (t,), D(x * t, x))
free_classes = Dimension("K-1", "de", 1)

TRUE = {
    "sum of exponents": (exp(x + t), exp(x) * exp(t)),
    "log of a product": (log(r * r), 2 * log(r)),
    "log of exp": (log(exp(x)), x),
    "exp of log": (exp(log(r)), r),
    "exp of log of a sum": (exp(log(1 + exp(x))), 1 + exp(x)),
    "square root": (Pow(r, term(half)) ** 2, r),
    "derivative of a root": (D(Pow(r, term(half)), r), 1 / (2 * Pow(r, term(half)))),
    "second derivative": (D(D(exp(x**2), x), x), (2 + 4 * x**2) * exp(x**2)),
    "derivative of a quotient": (D(1 / x, x), -1 / x**2),
    "another label stays": (
        expectation(y[i], {1: p[i], 0: 1 - p[i]}, y[j]), y[j] + Delta(i, j) * (p[i] - y[i]),
    ),
    "chain rule": (D(phi(x**2), x), 2 * x * phi.prime(x**2)),
    "root of zero": (Pow(D(x, t), term(half)), term(0)),
    "absolute value": (absolute(x) ** 2, x**2),
    "maximum": (maximum(x, 0), (x + absolute(x)) / 2),
    "a parameter is not moved": (slope(x), x),
    "entry by entry": (D(total(k, w[k] ** 2), w[l]), 2 * w[l]),
    "label": (y[i] ** 2, y[i]),
}  # fmt: skip
FALSE = {
    "a capture": (slope(x), 2 * x),
    "a label is 1": (y[i], term(1)),
    "a label is 0": (y[i], term(0)),
    "two labels are one": (y[i] * y[j], y[i]),
    "an absolute value dropped": (absolute(x), x),
    "two functions": (phi(x), psi(x)),
    "sizes of one rank": (Size(K), Size(free_classes)),
    "two arrays of one name": (w[k], Array("w", w[k].array.dimensions, domain="positive")[k]),
    "equal indices": (D(w[k], w[l]), term(0)),
    "different indices": (D(w[k], w[l]), term(1)),
    "root of a square": (Pow(x**2, term(half)), x),
    "a size of one": (total(a, z[i, a]), z[i, b]),
    "undefined": (1 / (x - x), 1 / (x - x)),
    "an expectation": (
        expectation(y[i], {1: p[i], 0: 1 - p[i]}, y[i] * y[j]), p[i] * y[j],
    ),
}  # fmt: skip
OPEN = {
    "limit": (Limit(exp(x), x, -1), term(0)),
    "a law of the sine": (sine(2 * x), 2 * sine(x)),
    "numbers as large as the primes": (x + 2**40, x),
    "a sum in an absolute value": (absolute(1 + exp(x)), 1 + exp(x)),
}


@pytest.mark.parametrize("sides", TRUE.values(), ids=TRUE)
def test_true(sides):
    assert agrees(*map(term, sides)).said == AGREES


@pytest.mark.parametrize("sides", FALSE.values(), ids=FALSE)
def test_false(sides):
    assert agrees(*map(term, sides)).said == REFUTED


@pytest.mark.parametrize("sides", OPEN.values(), ids=OPEN)
def test_left_open(sides):
    assert agrees(*map(term, sides)).said == NOT_APPLICABLE


def test_hypotheses():
    same = (Hypothesis("z = x", replace=((x, t),)),)
    assert agrees(x, t, same).said == AGREES
    assert agrees(D(x * t, t), 2 * t, same).said == REFUTED
    assert agrees(D(x * t, t), x, same).said == AGREES
    weak = (Hypothesis("w >= 0", signs=((w[k], "nonnegative"),)),)
    assert agrees(maximum(w[k], 0), w[k], weak).said == AGREES
    assert agrees(D(maximum(w[k], 0), w[k]), term(1), weak).said == NOT_APPLICABLE
    assert agrees(D(maximum(r, 0), r), term(1)).said == AGREES
    assert agrees(Delta(k, l) * v[k], term(0)).said == REFUTED


@pytest.mark.parametrize("name", derivations.statements())
def test_statements(name):
    statement = derivations.statements()[name]
    for number, chain in enumerate(statement.chains, 1):
        for before, step in pairs(chain):
            if step.relation == "=":
                found = agrees(before, as_term(step.expression, chain.at), statement.given)
                COUNTS[f"fingerprints of lines: {found.said}"] += 1
                # Two labels are independent only where they are different: i = j is false.
                known = (name, number) == ("logistic.fisher_information", 3)
                assert found.said != REFUTED or known, found
