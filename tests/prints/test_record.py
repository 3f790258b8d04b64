"""The symbols of a statement: each is in the notation or explained where it stands."""

import argparse

import pytest

import derivations
from derivations import __main__ as command_line, notation
from derivations.language.statement import ALGEBRA, Chain, Hypothesis, Statement, Step
from derivations.language.terms import Array
from derivations.notation import K, N, a, i, k, scalar, w
from derivations.prints import record

strange = scalar("strange", r"\xi")
line = Chain(strange + w[k], (Step(w[k] + strange, ALGEBRA),), (k,))
unexplained = Statement("Sums", "They commute.", (line,))


def symbols(statement):
    return record.symbols("sigmoid.sums", statement, notation.TABLE)


def test_every_symbol_is_in_the_notation_or_explained():
    assert command_line.unknown_symbols(derivations.statements()) == []


def test_a_symbol_that_nothing_explains_is_an_error():
    with pytest.raises(record.UnknownSymbol, match=r"^sigmoid\.sums: .* 'strange' .*notation\.py"):
        symbols(unexplained)


@pytest.mark.parametrize("said", ["They commute, for any $\\xi$.", "$\\xi_k$ is any number."])
def test_a_symbol_is_explained_by_its_letter_in_a_formula(said):
    assert symbols(Statement("", said, (line,))) == ["strange", "w"]
    assert symbols(Statement("", "", (line,), (Hypothesis(said),))) == ["strange", "w"]
    with pytest.raises(record.UnknownSymbol):
        symbols(Statement("", said.replace("$", ""), (line,)))
    with pytest.raises(record.UnknownSymbol):
        symbols(Statement("", said.replace("xi", "xii"), (line,)))


def test_a_variant_is_listed_as_the_symbol_of_which_it_is_one():
    variants = Array("z''", (K,))[a] + Array("p_M", (N,))[i] + Array("W2", (K,))[a]
    statement = Statement("", "", (Chain(variants, (Step(variants, ALGEBRA),)),))
    assert symbols(statement) == ["z", "p", "W"]


def test_verify_and_export_refuse_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(derivations, "statements", lambda: {"sigmoid.sums": unexplained})
    reports = {
        "sigmoid.sums": {
            "level": "proved", "failures": [], "flagged": False, "seconds": 0.0, "points": 9,
            "routes": dict.fromkeys(command_line.ROUTES, "proved"),
        }
    }  # fmt: skip
    monkeypatch.setattr(command_line, "verified", lambda *_: reports)
    options = argparse.Namespace(ids=["sigmoid.sums"], out=tmp_path, jobs=1, fresh=False)
    assert command_line.verify_statements(options) == 1
    assert "'strange'" in capsys.readouterr().out
    options = argparse.Namespace(out=tmp_path, jobs=1, check=False)
    with pytest.raises(command_line.UsageError, match="'strange'"):
        command_line.export_statements(options)
    assert list(tmp_path.iterdir()) == []
