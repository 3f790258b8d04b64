"""Every row of the errata: as stated, with a counterexample that plain Python confirms."""

import cmath
import json
import math
import re
import sys
from fractions import Fraction

import pytest

import derivations
from derivations import linear
from derivations.language.statement import Statement
from derivations.note import errata, erratum
from derivations.note.erratum import (
    CLAIM,
    CONFIRMED,
    FORMULA,
    NOTATION,
    WRONG_RESULT,
    WRONG_STATEMENT,
    Construction,
    Equation,
    Report,
    Search,
    check,
    freshly,
    try_claim,
)
from derivations.prints.lines import results
from derivations.prints.mathematics import LATEX

ROWS = errata.errata()
STATEMENTS = {id(statement): name for name, statement in derivations.statements().items()}

FORMULAS = [f"a{n}" for n in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)]
CLAIMS = [f"b{n}" for n in (*range(1, 18), 19)]
RIGHT = [f"c{n}" for n in range(1, 14)]
WORDING = {"b13", "b14", "b15"}


def own_proofs_only(statement):
    """Prove the statements of the errata; those of the concepts have tests of their own."""
    if id(statement) in STATEMENTS:
        return {"level": "cited", "failures": (), "flagged": False}
    return freshly(statement)


@pytest.fixture(scope="session")
def reports():
    return errata.reports(own_proofs_only)


def test_every_row_is_there_in_order():
    assert list(ROWS) == FORMULAS + CLAIMS + RIGHT
    assert {ROWS[name].kind for name in FORMULAS} == {FORMULA, CLAIM}
    assert {ROWS[name].kind for name in CLAIMS} == {CLAIM}
    assert {ROWS[name].kind for name in RIGHT} == {CONFIRMED}


def test_every_mistake_has_a_severity():
    """Serious are those that change a number or a belief; what is right has none."""
    severities = {name: row.severity for name, row in ROWS.items()}
    known = {WRONG_RESULT, WRONG_STATEMENT, NOTATION, erratum.WORDING}
    assert {severities[name] for name in (*FORMULAS, *CLAIMS)} == known
    assert {severities[name] for name in RIGHT} == {""}
    assert severities["a4"] == severities["a8"] == WRONG_RESULT
    assert severities["b1"] == WRONG_STATEMENT


def test_no_reason_speaks_of_the_encoding():
    """What cannot be written down is said in words, not in those of the program."""
    for row in ROWS.values():
        for claim in row.claims:
            if isinstance(claim, Construction) and row.kind != CONFIRMED:
                text = try_claim(claim).text
                assert text == f"It cannot be written down: {claim.because}." and claim.because


@pytest.mark.parametrize("name", FORMULAS + CLAIMS + RIGHT)
def test_row(name, reports):
    report = reports[name]
    assert report.as_stated, report
    expected = "holds" if name in RIGHT else "wording, no check" if name in WORDING else "fails"
    assert report.printed == expected
    assert all("proved" in level or level in ("cited", "lemma") for level in report.levels)


def test_what_is_right_is_cited_from_its_concept():
    """Only what no page states is proved here, and a row has something that is right."""
    own = [s for row in ROWS.values() for s in (*row.right, *row.also) if id(s) not in STATEMENTS]
    assert len(own) == 5
    assert [name for name, row in ROWS.items() if not row.right] == ["b14"]


@pytest.mark.parametrize("name", [name for name in ROWS if ROWS[name].right])
def test_results_to_show_exist(name):
    row = ROWS[name]
    there = results(row.right[0], LATEX)
    assert all(0 <= number < len(there) for number in row.show)


def test_a_row_whose_printed_form_is_right_is_not_as_stated():
    wrong = ROWS["a4"]
    for confirmed in RIGHT:
        claims = ROWS[confirmed].claims
        turned = errata.Erratum(
            wrong.title, wrong.printed, wrong.correct, wrong.why, claims, wrong.right, FORMULA
        )
        assert not check(turned, own_proofs_only).as_stated


# ----------------------------------------------------- the same numbers, by plain Python


def sigmoid(t):
    return 1 / (1 + cmath.exp(-t))


def slope(f):
    """The derivative at 0, by a complex step: no difference is taken."""
    return f(1e-30j).imag / 1e-30


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def moved(vector, place, by):
    return [x + (by if number == place else 0) for number, x in enumerate(vector)]


def nll(w, X, y):
    p = [sigmoid(dot(w, x)) for x in X]
    return -sum(l * cmath.log(q) + (1 - l) * cmath.log(1 - q) for l, q in zip(y, p, strict=True))


def two_class(w1, w2, X, y):
    return nll([a - b for a, b in zip(w1, w2, strict=True)], X, y)


def first_class(v, x):
    a, b = cmath.exp(dot(v["w_1"], x)), cmath.exp(dot(v["w_2"], x))
    return a / (a + b)


def layer_cost(v, y, first, second):
    return -sum(l * a + (1 - l) * b for l, a, b in zip(y, v[first], v[second], strict=True))


def log_masses(v):
    p = [sigmoid(dot(v["w"], x)) for x in v["X"]]
    return [
        (cmath.log(q**l), cmath.log((1 - q) ** (1 - l))) for l, q in zip(v["y"], p, strict=True)
    ]


DELTAS = linear.deltas_out.name


def linear_cost(v, weights):
    return sum(
        d * (dot(w, z) + b)
        for z, deltas in zip(v["Z"], v[DELTAS], strict=True)
        for w, b, d in zip(weights, v["b"], deltas, strict=True)
    )


def weights_moved(v, by):
    row, column = v["u"] - 1, v["k"] - 1
    return [moved(w, column, by) if a == row else w for a, w in enumerate(v["W"])]


def curvature(v):
    """The quadratic form of the Hessian, as the slope of the gradient along v."""

    def along(step):
        w = [a + step * b for a, b in zip(v["w"], v["v"], strict=True)]
        residuals = [sigmoid(dot(w, x)) - l for x, l in zip(v["X"], v["y"], strict=True)]
        return sum(dot(v["v"], x) * r for x, r in zip(v["X"], residuals, strict=True))

    return slope(along)


def softmax_at(v, shift):
    x = v["X"][v["i"] - 1]
    rows = zip(v["W"], shift, strict=True)
    z = [sum((a + b) * c for a, b, c in zip(w, s, x, strict=True)) for w, s in rows]
    return cmath.exp(z[v["a"] - 1]) / sum(map(cmath.exp, z))


def cross_entropies(v):
    p = [sigmoid(dot(v["w"], x)) for x in v["X"]]
    return [-l * cmath.log(q) - (1 - l) * cmath.log(1 - q) for l, q in zip(v["q"], p, strict=True)]


def at_k(v, name):
    return moved(v[name], v["k"] - 1, 1e-30j)


SIDES = {
    "a3": [
        (
            lambda v: nll(v["w"], v["X"], v["y"]),
            lambda v: nll(v["w"], [v["X"][v["j"] - 1]] * len(v["X"]), v["y"]),
        )
    ],
    "a4": [
        (
            lambda v: two_class(v["w_1"], at_k(v, "w_2"), v["X"], v["y"]).imag / 1e-30,
            lambda v: -sum(
                x[v["k"] - 1] * (l - (1 - first_class(v, x)))
                for x, l in zip(v["X"], v["y"], strict=True)
            ),
        )
    ],
    "a8": [
        (
            lambda v: layer_cost(v, v["y"], "z^3_1", "z^3_2"),
            lambda v: layer_cost(v, v["y"], "z^3_1", "z^3_1"),
        )
    ],
    "a10": [
        (
            lambda v: slope(lambda step: linear_cost(v, weights_moved(v, step))),
            lambda v: v[DELTAS][v["i"] - 1][v["u"] - 1] * v["Z"][v["i"] - 1][v["k"] - 1],
        )
    ],
    "a13": [
        (
            lambda v: two_class(at_k(v, "w_1"), v["w_2"], v["X"], v["y"]).imag / 1e-30,
            lambda v: 0,
        )
    ],
    "a14": [
        (
            lambda v: layer_cost(v, v["y"], "z^3_1", "z^3_2"),
            lambda v: layer_cost(v, v["y'"], "z^3_1", "z^3_2"),
        )
    ],
    "a15": [
        (
            lambda v: sum(a + b for a, b in log_masses(v)),
            lambda v: sum(a for a, _ in log_masses(v)) + log_masses(v)[v["i"] - 1][1],
        )
    ],
    "a19": [
        (lambda v: sigmoid(dot(v["w"], v["x"])), lambda v: sigmoid(dot(v["v"], v["x"]))),
        (lambda v: v["h"] + v["h"] ** 2 / (1 - v["h"]), lambda v: 1),
    ],
    "b1": [(curvature, lambda v: 0)],
    "b8": [
        (
            lambda v: softmax_at(v, v["Psi"]),
            lambda v: softmax_at(v, [[0] * len(w) for w in v["W"]]),
        )
    ],
    "b9": [
        (
            lambda v: sum(cross_entropies(v)),
            lambda v: sum(cross_entropies(v)) / v["N"],
        )
    ],
    "b11": [(lambda v: slope(lambda d: (v["t"] + d) ** 3), lambda v: v["t"] * 2 * v["t"])],
}  # fmt: skip


def as_floats(value):
    if isinstance(value, list):
        return [as_floats(part) for part in value]
    return value if isinstance(value, int) else float(value)


def digits(value):
    """A number to nine decimals; the counterexamples differ in the first."""
    return round(complex(value).real, 9) + 0.0


@pytest.mark.parametrize(
    "name",
    [n for n in ROWS if n not in RIGHT and any(isinstance(c, Equation) for c in ROWS[n].claims)],
)
def test_counterexample_by_plain_python(name, reports):
    outcomes = reports[name].outcomes
    assert len(SIDES[name]) == len(outcomes)
    for (left, right), outcome in zip(SIDES[name], outcomes, strict=True):
        found = outcome.counterexample
        values = {key: as_floats(value) for key, value in found.values.items()}
        here, there = digits(left(values)), digits(right(values))
        assert (here, there) == (digits(found.left), digits(found.right))
        claim = ROWS[name].claims[outcomes.index(outcome)]
        assert (here != there) if claim.relation == "=" else not here > there


# ------------------------------------------------------------- the cases of the claims


def case(reports, name):
    (outcome,) = reports[name].outcomes
    return outcome.counterexample


def loss(w, data):
    return sum(math.log1p(math.exp((1 - 2 * y) * w * x)) for x, y in data)


def points_of(found):
    return list(zip(found.values["x"], found.values["y"], strict=True))


def share_right(w, data):
    return Fraction(sum((w * x >= 0) == (y == 1) for x, y in data), len(data))


def test_every_search_found_a_case(reports):
    searched = [n for n, row in ROWS.items() if any(isinstance(c, Search) for c in row.claims)]
    assert len(searched) > 15
    for name in searched:
        found = case(reports, name)
        assert found.values
        assert found.left != found.right or name in ("a18", "b17")


def test_the_cost_falls_for_ever(reports):
    for name in ("b2", "b3"):
        found = case(reports, name)
        costs = [loss(found.values["w"] * far, points_of(found)) for far in (0, 1, 2, 4, 8, 16)]
        assert costs == sorted(costs, reverse=True)
        assert len(set(costs)) == len(costs)


def test_the_estimate_gets_fewer_labels_right(reports):
    found = case(reports, "b4")
    data = points_of(found)
    low, high = -10.0, 10.0  # the cost is convex: ternary search
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if loss(a, data) < loss(b, data) else (a, high)
    assert round(low, 6) == round(float(found.values["estimate"]), 6)
    assert share_right(low, data) == found.left < found.right
    assert share_right(found.values["w"], data) == found.right


def test_no_smaller_data_mislead_the_estimate(reports):
    """Three points are needed: of two, an estimate that exists gets as many right as any weight."""
    found = case(reports, "b4")
    assert len(found.values["x"]) == 3
    for features, labels in errata.one_feature((1, -1, 2, -2, 3, -3)):
        if len(features) > 2:
            break
        data = list(zip(features, labels, strict=True))
        at_zero = sum(x * (0.5 - y) for x, y in data)
        estimate = -at_zero  # its sign is that of the estimate
        best = max(share_right(w, data) for w in (1, -1))
        assert errata.estimate(features, labels) is None or share_right(estimate, data) == best


def test_floating_point(reports):
    z = case(reports, "a5").values["z"][0]
    assert math.exp(z) / (math.exp(z) + 1) == 0.0 < math.exp(z + 1) / (math.exp(z + 1) + 1)
    z = case(reports, "a20").values["z"]
    math.exp(-(z + 1))
    with pytest.raises(OverflowError):
        math.exp(-z)


def test_cases_of_probabilities(reports):
    joint = case(reports, "b6").values["P"]
    assert sum(joint) == 1
    assert joint[3] != (joint[2] + joint[3]) * (joint[1] + joint[3])
    h = case(reports, "b16").values["h"]
    assert int(h < Fraction(1, 2)) != 1 - h
    found = case(reports, "b19").values
    answers = [found["false alarm"] * (1 - found["h"]), found["miss"] * found["h"]]
    assert answers[found["h"] < Fraction(1, 2)] == max(answers) > min(answers)
    features = case(reports, "a17").values
    assert set(features["x"]) == set(features["x'"])


# ------------------------------------------------------------------------ data and pages


def test_data_is_plain_and_complete(reports):
    rows = errata.data(reports)
    assert json.loads(json.dumps(rows)) == rows
    assert [row["name"] for row in rows] == list(ROWS)
    for row in rows:
        assert row["tested"] or row["name"] in WORDING
        assert all(statement["id"] or statement["latex"] for statement in row["right"])
        assert row["title"] and row["printed"] and row["correct"]


def test_the_note_is_covered():
    parts = errata.note()
    lines = [line for part in parts for line in part["lines"]]
    assert len(lines) == 45
    assert all(line["statements"] or line["errata"] for line in lines)
    dealt_with = {name for line in lines for name in line["errata"]}
    assert dealt_with == set(ROWS)
    here = [h for part in errata.NOTE.values() for line in part for h in line.here]
    assert {id(h) for h in here if isinstance(h, Statement)} <= set(STATEMENTS)


def test_texts_have_balanced_formulas():
    for row in ROWS.values():
        formula = () if row.kind == CLAIM else (row.printed,)
        for text in (row.correct, row.why, *(() if formula else (row.printed,))):
            assert text.count("$") % 2 == 0
        for part in (*formula, *re.findall(r"\$([^$]+)\$", row.correct + row.why)):
            assert part.count("{") == part.count("}")


@pytest.mark.parametrize("as_stated", [True, False])
def test_command_writes_the_file_and_says_what_failed(
    as_stated, reports, tmp_path, monkeypatch, capsys
):
    found = dict(reports)
    one = found["a4"]
    found["a4"] = Report(one.printed, one.outcomes, one.levels, as_stated)
    monkeypatch.setattr(errata, "reports", lambda verified: found)
    monkeypatch.setattr(sys, "argv", ["errata", "--out", str(tmp_path)])
    assert errata.main() == int(not as_stated)
    printed = capsys.readouterr().out
    assert "A4  The label of class 1 in the gradient of class 2: fails" in printed
    assert ("not as stated: a4" in printed) == (not as_stated)
    document = json.loads((tmp_path / "errata.json").read_text())
    assert len(document["errata"]) == len(ROWS)
    assert len(document["note"]) == 6
