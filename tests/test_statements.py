"""What the project states: every id, at the level that it claims."""

import json
import os
from pathlib import Path

import pytest

import derivations
from derivations import notation
from derivations.language.terms import Array, Definition
from derivations.prints import record
from derivations.proof import ledger, verification

# One worker of a parallel run has them all: the statements are verified once.
pytestmark = pytest.mark.xdist_group("statements")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reports():
    """All statements; what has not changed since it was verified comes from the ledger."""
    places = {name: (f"derivations.{name.split('.')[0]}", name.split(".")[1]) for name in STATED}
    return ledger.verify_all(places, ROOT / "build" / "ledger.json", os.cpu_count() or 1)


STATED = derivations.statements()


@pytest.mark.parametrize("name", STATED)
def test_level(reports, name):
    report = reports[name]
    assert report["failures"] == [], "\n".join(report["failures"])
    assert not report["flagged"]
    assert report["level"] == STATED[name].level


IN_THE_NOTATION = {
    thing.name: thing
    for thing in (getattr(v, "array", v) for v in vars(notation).values())
    if isinstance(thing, Array | Definition) and thing.name in {row[0] for row in notation.TABLE}
}


@pytest.mark.parametrize("name", STATED)
def test_a_name_of_the_notation_means_what_the_notation_says(name):
    """Its row stands beside the statement: a variance called s would be a sample weight there."""
    for thing in record.shown(STATED[name]):
        if meant := IN_THE_NOTATION.get(thing.name):
            assert isinstance(thing, type(meant)), thing.name
            assert thing.domain == meant.domain, thing.name


def test_nothing_fails_and_nothing_is_vacuous(reports):
    print(f"checked: {len(reports)} statements")
    assert {name: r["failures"] for name, r in reports.items() if r["failures"]} == {}
    assert [name for name, r in reports.items() if r["flagged"]] == []


def test_rules_are_checked(reports):
    """A rule that could not be held against its laws is a label; few are, and none does not hold."""
    rules = [
        (name, step["rule"])
        for name, report in reports.items()
        for chain in report["chains"]
        for step in chain["steps"]
    ]
    labels = sorted({name for name, rule in rules if rule == "label"})
    print(f"checked: {len(rules)} steps, {len(labels)} with a rule that is only named: {labels}")
    assert {rule for _, rule in rules} <= {"checked", "label"}
    assert len(labels) <= len(rules) // 20


def test_every_concept_states_something():
    assert {name.split(".")[0] for name in STATED} == set(derivations.READING_ORDER)


def test_reports_survive_json(reports):
    assert json.loads(json.dumps(reports)) == reports


def test_statements_are_cited_by_object():
    """What a statement cites has an id of its own, so that a page can link it."""
    every = {id(statement) for statement in STATED.values()}
    for name, statement in STATED.items():
        assert {id(cited) for cited in statement.cites} <= every, name


@pytest.mark.parametrize(
    "plant",
    ["sign", "index", "weights for labels", "factor 1.0000001"],
)
def test_planted_fault_is_caught_at_its_step(plant):
    """The faults that a person makes in the gradient, at the line where it is made."""
    from dataclasses import replace
    from fractions import Fraction

    from derivations import logistic
    from derivations.language.matrices import ShapeError
    from derivations.language.terms import Number, total
    from derivations.notation import X, i, k, l, w, y

    p = logistic.p
    wrong = {
        "sign": lambda: total(i, X[i, k] * (y[i] - p[i])),
        "index": lambda: total(i, X[i, l] * (p[i] - y[i])),
        "weights for labels": lambda: total(i, X[i, k] * (p[i] - w[k])),
        "factor 1.0000001": lambda: total(
            i, Number(Fraction(10000001, 10000000)) * X[i, k] * (p[i] - y[i])
        ),
    }[plant]()
    chain = logistic.nll_gradient.chains[0]
    lines = (*chain.steps[:-1], replace(chain.steps[-1], expression=wrong))
    statement = replace(logistic.nll_gradient, chains=(replace(chain, steps=lines),))
    report = verification.verify(statement)
    assert report.level == "failed"
    assert report.failures[0].startswith(f"chain 1, step {len(lines)} (algebra)")
    found = report.chains[0].steps[len(lines) - 1]
    assert found.rule == "does not hold"
    assert found.routes == {
        "all sizes": "not proved",
        "restated": "not proved",
        "fingerprints": "refuted",
        "50 digits": "refuted",
    }
    with pytest.raises(ShapeError):
        logistic.design.T @ (logistic.probabilities - logistic.weights)
