"""What the project states: every id, at the level that its kind of statement can reach.

G is proved for all sizes, R also a second time by rest-lumping; S is an identity between functions
of one variable; L has a step in words; D gives names. More than the level asked for is welcome.
"""

import json
import os
from pathlib import Path

import pytest

import derivations
from derivations.language.statement import Statement
from derivations.proof import ledger, verification

# One worker of a parallel run has them all: the statements are verified once.
pytestmark = pytest.mark.xdist_group("statements")

ROOT = Path(__file__).resolve().parent.parent

LEVELS = {
    "D": ("definition",),
    "L": ("lemma", "proved, all sizes", "proved, all sizes, restated", "proved, scalar"),
    "S": ("proved, scalar", "proved, all sizes", "proved, all sizes, restated"),
    "G": ("proved, all sizes", "proved, all sizes, restated"),
    "R": ("proved, all sizes, restated",),
}

EXPECTED = {
    "sigmoid": {
        "D": "definition",
        "S": "symmetry derivative second_derivative inverse limits log_sigmoid softplus stable",
        "R": "backward",
    },
    "logistic": {
        "D": "likelihood",
        "S": "decision_rule bernoulli",
        "G": "log_likelihood nll nll_softplus nll_cross_entropy score_equations nll_hvp newton_step "
        "residual blocks",
        "R": "nll_gradient nll_hessian weighted column_scaling",
        "L": "nll_convex smoothness no_mle_when_separable penalised fisher_information",
    },
    "softmax": {
        "D": "definition likelihood",
        "G": "normalised shift_invariance nll gradients_sum_to_zero hessian_blocks_sum_to_zero "
        "nll_hvp nll_convex null_space newton_step term_left_out label_left_out",
        "R": "logsumexp_gradient logsumexp_hessian jacobian two_class nll_gradient nll_hessian "
        "fisher_information weighted diagonal_blocks blocks",
        "L": "logsumexp_bounds penalised smoothness",
    },
    "identification": {
        "G": "translation reference_class sum_to_zero",
        "L": "penalty_selects_sum_to_zero",
    },
    "linear": {
        "G": "forward",
        "R": "jacobian backward parameter_jacobian parameter_gradient second_order",
    },
    "log_softmax": {"G": "term_left_out", "R": "forward jacobian backward second_order"},
    "nll": {"D": "forward", "R": "jacobian backward"},
    "activations": {
        "D": "any_function_forward sigmoid_forward log_sigmoid_forward tanh_forward "
        "softplus_forward softmax_forward",
        "S": "relu_forward",
        "R": "any_function_jacobian any_function_backward sigmoid_jacobian sigmoid_backward "
        "log_sigmoid_jacobian log_sigmoid_backward tanh_jacobian tanh_backward relu_jacobian "
        "relu_backward softplus_jacobian softplus_backward softmax_jacobian softmax_backward",
    },
    "backpropagation": {
        "D": "rule_forward",
        "G": "layer_stack deltas equals_direct hidden_layer fan_out adjoint_identity "
        "hvp_forward_over_reverse gauss_newton cost composition_is_a_layer",
        "L": "rule_backward rule_parameters",
    },
    "conventions": {
        "G": "penalty_strength weighted_mean swapped_labels soft_labels ignored_labels",
        "R": "factor signs one_hot class_weights class_axis columns intercept",
    },
}

ASKED = [
    (f"{concept}.{name}", kind)
    for concept, kinds in EXPECTED.items()
    if concept in derivations.READING_ORDER
    for kind, found in kinds.items()
    for name in found.split()
]


@pytest.fixture(scope="session")
def reports():
    """All statements; what has not changed since it was verified comes from the ledger."""
    places = {name: (f"derivations.{name.split('.')[0]}", name.split(".")[1]) for name in STATED}
    return ledger.verify_all(places, ROOT / "build" / "ledger.json", os.cpu_count() or 1)


STATED = derivations.statements()


@pytest.mark.parametrize(("name", "kind"), ASKED)
def test_level(reports, name, kind):
    assert isinstance(STATED[name], Statement)
    report = reports[name]
    assert report["failures"] == [], "\n".join(report["failures"])
    assert not report["flagged"]
    assert report["level"] in LEVELS[kind]


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


def test_every_concept_is_asked_for():
    assert set(derivations.READING_ORDER) <= set(EXPECTED)


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
