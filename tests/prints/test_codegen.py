"""Which line becomes code, in which order its arguments come, and that output never changes."""

import os
import subprocess
import sys
from pathlib import Path

import generated
import pytest

from derivations import logistic, sigmoid
from derivations.language.statement import ALGEBRA, DIFFERENTIATE, SIGN, Chain, Statement, Step
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Limit,
    Number,
    Size,
    exp,
    scalar,
    term,
    total,
)
from derivations.notation import K, N, X, any_phi, i, k, n, t, w, y
from derivations.prints import codegen

ROOT = Path(__file__).parents[2]


def chain(left, *lines):
    return Statement("", "", (Chain(left, lines),))


def test_the_last_line_that_is_equal():
    statement = chain(t**2 + 1, Step(1 + t**2, ALGEBRA), Step(0, SIGN, relation=">"))
    assert codegen.line(statement).term == 1 + t**2


def test_a_derivative_is_no_code():
    statement = chain(D(t**2, t), Step(2 * t, DIFFERENTIATE), Step(D(t**2, t), ALGEBRA))
    assert codegen.line(statement).term == 2 * t
    assert codegen.line(chain(D(t, t), Step(D(t, t), ALGEBRA))) is None
    assert codegen.line(chain(Limit(t, t, 1), Step(Limit(t, t, 1), ALGEBRA))) is None
    hidden = Definition("d", (), D(t**2, t))
    assert codegen.line(chain(hidden(), Step(hidden(), ALGEBRA))) is None


def test_a_number_is_no_code():
    assert codegen.line(chain(t - t, Step(0, ALGEBRA))).term == t - t
    assert codegen.line(chain(D(term(1), t), Step(0, ALGEBRA))) is None
    assert codegen.line(chain(exp(t) / exp(t) * t, Step(t, ALGEBRA))).term == exp(t) / exp(t) * t


def test_a_definition_is_its_body():
    assert codegen.line(sigmoid.definition).term == sigmoid.sigma.body
    assert codegen.line(logistic.likelihood).term == logistic.L.body


def test_statements_without_code():
    """Only those whose lines are limits, derivatives or numbers."""
    without = set(generated.STATEMENTS) - set(generated.WITH_CODE)
    for name in without:
        for step in generated.STATEMENTS[name].chains[0].lines:
            assert (
                step.relation != "="
                or not codegen.computable(step.expression)
                or isinstance(step.expression, Number)
            )
    assert "sigmoid.limits" in without
    print(f"{len(generated.WITH_CODE)} of {len(generated.STATEMENTS)} statements have code")


def names(statement):
    return [codegen.plain_name(argument) for argument in codegen.arguments(statement)]


def test_arguments():
    assert names(logistic.nll_gradient) == ["w", "X", "y"]
    assert names(logistic.nll_hvp) == ["w", "X", "v"]
    assert names(logistic.weighted) == ["w", "X", "s", "y"]
    assert names(logistic.penalised) == ["w", "X", "y", "lam"]
    assert names(sigmoid.derivative) == ["t"]


def test_arguments_that_are_no_arrays():
    phi = any_phi
    unknown = phi(t) + phi.prime(t) + phi.prime.prime(t) + phi.prime.prime.prime(t)
    wanted = ["t", "phi", "phi_prime", "phi_second", "phi_3"]
    assert names(chain(unknown, Step(unknown, ALGEBRA))) == wanted
    sized = Size(K) * t + Size(N) * total(i, y[i])
    assert names(chain(sized, Step(sized, ALGEBRA))) == ["y", "t", "K"]


def test_names():
    awkward = [Array("lambda"), Array("delta'"), Array("w_0"), Array("np"), Array("new"), N]
    given = codegen.named([*awkward, Array("N", (n,)), Definition("N", (), term(1))])
    assert list(given.values()) == [
        "lam", "delta_prime", "w_0", "np2", "new2", "N", "N2", "N3",
    ]  # fmt: skip
    assert all(name.isidentifier() for name in given.values())


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (codegen.negate(codegen.negate(codegen.Code("a"))), "a"),
        (codegen.negate(codegen.number(Number(term(2).value))), "-2"),
        (
            codegen.add([(True, codegen.Code("a")), (True, codegen.Code("-b", codegen.UNARY))]),
            "-a - (-b)",
        ),
        (codegen.multiply([]), "1"),
        (codegen.number(Number(-term(1).value / 2)), "-1 / 2"),
    ],
)
def test_text(code, text):
    assert code.text == text


def test_a_parameter_is_no_argument():
    scaled = Definition("f", (t,), t * scalar("c") + t)
    line = scaled(total(k, w[k] * X[i, k]))
    statement = Statement("", "", (Chain(line, (Step(line, ALGEBRA),), (i,)),))
    assert sorted(names(statement)) == ["X", "c", "w"]


PROGRAM = """
import derivations
from derivations.prints.javascript_code import javascript_code
from derivations.prints.numpy_code import numpy_code
from derivations.prints.sympy_code import sympy_code
for name, statement in derivations.statements().items():
    print(numpy_code(statement, name), javascript_code(statement, name), sympy_code(statement))
"""


def test_the_same_in_every_run():
    runs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(runs) == 1
    assert runs.pop().count(b"export function") == len(generated.WITH_CODE)
