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
    unknown,
)
from derivations.notation import K, N, X, i, k, n, t, w, y
from derivations.prints import codegen

ROOT = Path(__file__).parents[2]


def chain(left, *lines):
    return Statement("", "", (Chain(left, lines),))


def term_of(statement):
    """The term of the only result."""
    (line,) = codegen.results(statement, "concept.name")
    return line.term


def test_the_last_line_that_is_equal():
    statement = chain(t**2 + 1, Step(1 + t**2, ALGEBRA), Step(0, SIGN, relation=">"))
    assert term_of(statement) == 1 + t**2


def test_a_derivative_is_no_code():
    statement = chain(D(t**2, t), Step(2 * t, DIFFERENTIATE), Step(D(t**2, t), ALGEBRA))
    assert term_of(statement) == 2 * t
    assert codegen.results(chain(D(t, t), Step(D(t, t), ALGEBRA))) == ()
    assert codegen.results(chain(Limit(t, t, 1), Step(Limit(t, t, 1), ALGEBRA))) == ()
    hidden = Definition("d", (), D(t**2, t))
    assert codegen.results(chain(hidden(), Step(hidden(), ALGEBRA))) == ()


def test_a_number_or_an_argument_is_no_code():
    for last in (term(0), t, w[k]):
        assert codegen.results(chain(exp(t) * w[k], Step(last, ALGEBRA))) == ()


def test_a_definition_is_its_body():
    assert term_of(sigmoid.definition) == sigmoid.sigma.body
    assert term_of(logistic.likelihood) == logistic.L.body


def test_one_function_for_each_result():
    called = {name: [line.name for line in lines] for name, lines in generated.RESULTS_OF.items()}
    assert called["logistic.nll_gradient"] == ["nll_gradient"]
    assert called["logistic.residual"] == ["residual", "loss", "variance"]
    assert called["sigmoid.softplus"] == ["softplus_derivative"]
    assert called["sigmoid.inverse"] == []
    for names_ in called.values():
        assert len(set(names_)) == len(names_) and all(map(str.isidentifier, names_))
        numbered = [
            one for one in names_ if one[-1].isdigit() and one.rstrip("0123456789") in names_
        ]
        assert numbered == []


def test_statements_without_code():
    """Only those whose chains end in limits, derivatives, numbers or arguments."""
    without = set(generated.STATEMENTS) - set(generated.WITH_CODE)
    assert "sigmoid.inverse" in without
    for name in without:
        for said in generated.STATEMENTS[name].chains:
            lines = [one.term for one in codegen.equal_lines(said) if codegen.computable(one.term)]
            assert not lines or codegen.trivial(lines[-1])
    print(f"{len(generated.WITH_CODE)} of {len(generated.STATEMENTS)} statements have code")


def names(statement):
    line = codegen.results(statement, "concept.name")[0]
    return [codegen.plain_name(argument) for argument in codegen.line_arguments(line)]


def test_arguments():
    assert names(logistic.nll_gradient) == ["w", "X", "y"]
    assert names(logistic.nll_hvp) == ["w", "X", "v"]
    assert names(logistic.weighted) == ["w", "X", "s", "y"]
    assert names(logistic.penalised) == ["w", "X", "y", "lam"]
    assert names(sigmoid.derivative) == ["t"]


def test_arguments_that_are_no_arrays():
    phi = unknown("phi")
    of_any = phi(t) + phi.prime(t) + phi.prime.prime(t) + phi.prime.prime.prime(t)
    wanted = ["t", "phi", "phi_prime", "phi_second", "phi_3"]
    assert names(chain(of_any, Step(of_any, ALGEBRA))) == wanted
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
        (codegen.negate(codegen.Code("a * b", codegen.PRODUCT)), "-a * b"),
        (codegen.negate(codegen.Code("a ** 2 * b", codegen.PRODUCT)), "-(a ** 2 * b)"),
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
    without = [line for line in generated.RESULTS.values() if generated.normal(line)]
    assert runs.pop().count(b"export function") == len(generated.RESULTS) - len(without)
