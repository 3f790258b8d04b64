"""What a verification reports: wrong steps at the right place, levels, flags, the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest
from tally import COUNTS

from derivations import logistic, sigmoid
from derivations.language.matrices import Gradient, Hessian, Whole
from derivations.language.statement import (
    ALGEBRA,
    CASES,
    CHAIN_RULE,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LIMIT,
    LINEARITY,
    LOGARITHM,
    SIGN,
    Chain,
    Hypothesis,
    Prose,
    Statement,
    Step,
)
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Function,
    Limit,
    ShapeError,
    Size,
    Term,
    absolute,
    exp,
    expectation,
    log,
    product,
    scalar,
    term,
    total,
)
from derivations.logistic import NLL, p, z
from derivations.notation import K, N, X, a, b, c, i, j, k, l, m, n, t, v, w, y
from derivations.proof import ledger, verification
from derivations.proof.verification import verify
from derivations.sigmoid import sigma

ROOT = Path(__file__).resolve().parents[2]
x, r = scalar("x"), scalar("r", domain="positive")
q = Array("q", (K,))
g = Array("g", (K,))
A = Array("A", (K, K))
W = Array("W", (K, n))
deltas = Array("delta", (N, K))
S = Definition("S", (a,), exp(q[a]) / total(b, exp(q[b])), "S")
image = Definition("f", (a,), total(b, A[a, b] * q[b]), "f")
hidden = Definition("h", (i, a), total(k, W[a, k] * X[i, k]), "h")
half = term(Fraction(1, 2))


@dataclass(frozen=True)
class Wrong:
    """A chain whose last step is wrong, after steps that are right."""

    name: str
    left: Term
    steps: tuple[Step, ...]
    at: tuple = ()
    rule: str = "does not hold"
    given: tuple[Hypothesis, ...] = field(default=())


log_ends = total(i, y[i] * log(p[i]) + (1 - y[i]) * log(1 - p[i]))
good_gradient = total(i, X[i, k] * (p[i] - y[i]))
good_hessian = total(i, X[i, k] * p[i] * (1 - p[i]) * X[i, l])

WRONG = [
    Wrong("the gradient's sign", D(NLL, w[k]), (
        Step(D(-log_ends, w[k]), DEFINITION),
        Step(total(i, X[i, k] * (y[i] - p[i])), DIFFERENTIATE),
    ), (k,)),
    Wrong("the mean for the sum", D(NLL, w[k]), (
        Step(good_gradient, DIFFERENTIATE),
        Step(good_gradient / Size(N), ALGEBRA),
    ), (k,)),
    Wrong("p for 1 - p", D(sigma(t), t), (Step(sigma(t) * sigma(t), DIFFERENTIATE),)),
    Wrong("a factor 1.0000001", D(NLL, w[k]), (
        Step(good_gradient, DIFFERENTIATE),
        Step(Fraction(10000001, 10000000) * good_gradient, ALGEBRA),
    ), (k,)),
    Wrong("a wrong index of a feature", D(D(NLL, w[k]), w[l]), (
        Step(D(good_gradient, w[l]), DIFFERENTIATE),
        Step(total(i, X[i, k] * p[i] * (1 - p[i]) * X[i, k]), DIFFERENTIATE),
    ), (k, l)),
    Wrong("the label of another class", total(a, deltas[i, a] * Delta(a, b)), (
        Step(deltas[i, c], CONTRACT),
    ), (i, b, c)),
    Wrong("a transposed Jacobian", D(image[a], q[b]), (
        Step(D(total(c, A[a, c] * q[c]), q[b]), DEFINITION),
        Step(A[b, a], DIFFERENTIATE),
    ), (a, b)),
    Wrong("diag(p) for diag(p) - p p^T", D(S[a], q[b]), (
        Step(S[a] * Delta(a, b), DIFFERENTIATE),
    ), (a, b)),
    Wrong("a delta summed over the wrong axis", D(total(i, total(a, deltas[i, a] * hidden[i, a])), W[b, k]), (
        Step(total(a, deltas[i, a] * X[i, k]), DIFFERENTIATE),
    ), (i, b, k)),
    Wrong("a missing sum over the data", D(NLL, w[k]), (
        Step(X[i, k] * (p[i] - y[i]), DIFFERENTIATE),
    ), (i, k)),
    Wrong("a missing factor of the chain rule", D(sigma(2 * t), t), (
        Step(sigma(2 * t) * (1 - sigma(2 * t)), DIFFERENTIATE),
    )),
    Wrong("a derivative moved past what is not constant", D(t * sigma(t), t), (
        Step(t * D(sigma(t), t), LINEARITY),
    )),
    Wrong("the sum rule over a product", D(sigma(t) * exp(t), t), (
        Step(D(sigma(t), t) * D(exp(t), t), LINEARITY),
    )),
    Wrong("a delta contracted twice", total(a, total(b, Delta(a, b) * q[a] * g[b])), (
        Step(total(b, q[b] * g[b]), CONTRACT),
        Step(q[a] * g[a], CONTRACT),
    ), (a,)),
    Wrong("a delta dropped", total(a, Delta(a, b) * q[a]), (Step(total(a, q[a]), CONTRACT),), (b,)),
    Wrong("the logarithm of a sum", log(exp(x) + exp(t)), (Step(x + t, LOGARITHM),)),
    Wrong("the logarithm of a sum over an index", log(total(a, exp(q[a]))), (
        Step(total(a, q[a]), LOGARITHM),
    )),
    Wrong("the exponential of a product", exp(x * t), (Step(exp(x) * exp(t), ALGEBRA),)),
    Wrong("the exponential of a sum over an index", exp(total(a, q[a])), (
        Step(total(a, exp(q[a])), ALGEBRA),
    )),
    Wrong("division by zero", x, (Step(x * (t - t) / (t - t), ALGEBRA),), rule="label"),
    Wrong("division by a hidden zero", x * (t - t), (
        Step(term(0), ALGEBRA),
        Step(x / (sigma(t) + sigma(-t) - 1), DEFINITION),
    ), rule="label"),
    Wrong("a cited derivative of another argument", D(sigma(2 * t), t), (
        Step(sigma(2 * t) * (1 - sigma(2 * t)), CHAIN_RULE, cites=(sigmoid.derivative,)),
    )),
    Wrong("a cited symmetry with a wrong sign", sigma(-t), (
        Step(sigma(t) - 1, ALGEBRA, cites=(sigmoid.symmetry,)),
    )),
    Wrong("a cited gradient at another index", D(NLL, w[k]), (
        Step(total(i, X[i, l] * (p[i] - y[i])), DIFFERENTIATE, cites=(logistic.nll_gradient,)),
    ), (k, l)),
    Wrong("two classes taken for all", total(a, S[a] ** 2), (
        Step(1 - 2 * S[b] * (1 - S[b]), ALGEBRA),
    ), (b,)),
    Wrong("the quotient rule turned round", D(x / r, r), (Step(x / r**2, DIFFERENTIATE),)),
    Wrong("the power rule", D(x**3, x), (Step(3 * x, DIFFERENTIATE),)),
    Wrong("the logarithm of a product as a product", log(product(a, exp(q[a]))), (
        Step(product(a, log(exp(q[a]))), LOGARITHM),
    )),
    Wrong("a definition misread", sigma(t), (Step(1 / (1 + exp(t)), DEFINITION),)),
    Wrong("the inner derivative of a logarithm", D(log(sigma(t)), t), (
        Step(1 / sigma(t), CHAIN_RULE),
    )),
    Wrong("an index captured", v[k] * total(l, w[l]), (Step(total(k, v[k] * w[k]), ALGEBRA),), (k,)),
    Wrong("the square of a sum", total(k, w[k]) ** 2, (Step(total(k, w[k] ** 2), ALGEBRA),)),
    Wrong("a sum of products", total(k, w[k] * v[k]), (
        Step(total(k, w[k]) * total(k, v[k]), ALGEBRA),
    )),
    Wrong("a root with its sign lost", (x**2) ** half, (Step(x, ALGEBRA),)),
    Wrong("a sign lost in a product", product(l, -w[l]), (Step(product(l, w[l]), ALGEBRA),)),
    Wrong("an absolute value dropped", absolute(t), (Step(t, CASES),)),
    Wrong("the other limit", Limit(sigma(t), t, -1), (Step(1, LIMIT),)),
    Wrong("an expectation of a label", expectation(y[i], {1: p[i], 0: 1 - p[i]}, y[i] ** 2), (
        Step(p[i] ** 2, ALGEBRA),
    ), (i,)),
    Wrong("a constant's sum", total(k, term(1)), (Step(1, ALGEBRA),)),
    Wrong("a wrong inequality", sigma(t) * (1 - sigma(t)), (
        Step(term(1) / 4, SIGN, relation=">="),
    ), rule="checked"),
    Wrong("a strict inequality that is none", total(k, (w[k] - w[k]) ** 2), (
        Step(0, SIGN, relation=">"),
    ), rule="checked"),
    Wrong("an assumed sign turned", x * exp(t), (Step(0, SIGN, relation=">="),), rule="checked",
          given=(Hypothesis("x is negative", signs=((x, "nonpositive"),)),)),
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_a_wrong_step_is_rejected_where_it_is(wrong):
    chain = Chain(wrong.left, wrong.steps, at=wrong.at)
    report = verify(Statement("wrong", wrong.name, (chain,), wrong.given))
    place = len(wrong.steps)
    assert report.level == "failed"
    blamed = [text.split(" (")[0] for text in report.failures if ", step " in text]
    assert blamed == [f"chain 1, step {place}"]
    assert report.failures[0].startswith(f"chain 1, step {place} ({wrong.steps[-1].rule.name}):")
    *right, last = report.chains[0].steps
    for verdicts in right:
        assert verdicts.rule == "checked" and verdicts.routes["all sizes"] == "proved"
    assert last.rule == wrong.rule
    assert last.routes["all sizes"] == "not proved"
    assert last.routes["restated"] != "proved"
    refuted = {route for route, said in last.routes.items() if said == "refuted"}
    assert refuted & {"50 digits", "fingerprints"} or wrong.name == "an absolute value dropped"
    if wrong.steps[-1].relation == "=":
        assert last.residual and last.residual in report.failures[0]
    COUNTS["wrong steps rejected where they are"] += 1


TRUE_BY_ANOTHER_RULE = [
    ("algebra that differentiates", D(x**2, x), 2 * x, ALGEBRA, ()),
    ("a definition that differentiates", D(sigma(t), t), sigma(t) * (1 - sigma(t)), DEFINITION, ()),
    ("linearity that uses the product rule", D(x * exp(x), x), exp(x) + x * exp(x), LINEARITY, ()),
    ("linearity that takes the derivative", D(3 * x, x), term(3), LINEARITY, ()),
    ("algebra that opens a name", sigma(t), 1 / (1 + exp(-t)), ALGEBRA, ()),
    ("the chain rule that opens a name", D(p[i], w[k]), p[i] * (1 - p[i]) * X[i, k], CHAIN_RULE,
     (i, k)),
    ("contraction with nothing to contract", x + x, 2 * x, CONTRACT, ()),
    ("contraction that adds a sum", w[l], total(k, Delta(k, l) * w[k]), CONTRACT, (l,)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("left", "right", "rule", "at"),
    [case[1:] for case in TRUE_BY_ANOTHER_RULE],
    ids=[case[0] for case in TRUE_BY_ANOTHER_RULE],
)
def test_a_true_step_by_a_rule_that_does_not_lead_there(left, right, rule, at):
    report = verify(Statement("true", "", (Chain(left, (Step(right, rule),), at=at),)))
    (step,) = report.chains[0].steps
    assert step.rule == "does not hold"
    assert step.routes["all sizes"] == "proved"
    assert report.level == "failed"
    (failure,) = report.failures
    assert failure.startswith(f"chain 1, step 1 ({rule.name}): the rule does not lead here")
    COUNTS["true steps by a wrong rule rejected"] += 1


def test_the_misprints_of_shape_cannot_be_written():
    with pytest.raises(ShapeError, match="N x 1 and n x 1"):
        Whole(X).T @ (Whole(p) - Whole(w))
    with pytest.raises(ShapeError, match="y: expected indices over N, got k over n"):
        total(i, X[i, k] * (p[i] - y[k]))


def test_the_second_of_two_chains_is_named():
    good = Chain(sigma(-t), (Step(1 - sigma(t), DEFINITION),))
    bad = Chain(sigma(-t), (Step(1 - sigma(t), DEFINITION), Step(sigma(t), ALGEBRA)))
    report = verify(Statement("two chains", "", (good, bad)))
    assert [text.split(":")[0] for text in report.failures] == [
        "chain 2, step 2 (algebra)",
        "chain 2, first line against last",
    ]


def test_errors_that_cancel_are_seen():
    steps = (Step(total(k, w[k]) + 1, ALGEBRA), Step(total(l, w[l]), ALGEBRA))
    report = verify(Statement("two errors", "", (Chain(total(m, w[m]), steps),)))
    assert [text.split(" (")[0] for text in report.failures] == [
        "chain 1, step 1", "chain 1, step 2",
    ]  # fmt: skip
    assert report.routes["all sizes"] == "proved"  # the two ends agree


# -- matrix form -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matrix", "rule", "routes"),
    [
        ((Gradient(NLL, w), Whole(X).T @ (Whole(p) - Whole(y))), "checked", "proved"),
        ((Gradient(NLL, w), Whole(X).T @ (Whole(y) - Whole(p))), "does not hold", "not proved"),
        ((-Gradient(NLL, w), Whole(X).T @ (Whole(p) - Whole(y))), "does not hold", "proved"),
    ],
)
def test_a_matrix_form_is_held_against_both_sides(matrix, rule, routes):
    chain = Chain(D(NLL, w[k]), (Step(good_gradient, DIFFERENTIATE),), at=(k,), matrix=matrix)
    report = verify(Statement("gradient", "", (chain,)))
    step = report.chains[0].steps[-1]
    assert (step.rule, step.routes["all sizes"]) == (rule, routes)
    assert (report.level != "failed") == (rule == "checked")
    if rule != "checked":
        assert report.failures[0].startswith("chain 1, step 2 (matrix form)")


def test_a_matrix_form_of_another_shape():
    matrix = (Hessian(NLL, w), Whole(X).T @ (Whole(p) - Whole(y)))
    chain = Chain(D(NLL, w[k]), (Step(good_gradient, DIFFERENTIATE),), at=(k,), matrix=matrix)
    report = verify(Statement("gradient", "", (chain,)))
    assert report.failures == (
        "chain 1: the matrices of one equation have the shapes n x n and n x 1",
    )


# -- levels, flags, nothing claimed ----------------------------------------------------------------


def level(left, right, rule=DEFINITION, at=(), given=(), more=()):
    chain = Chain(left, (Step(right, rule), *more), at=at)
    return verify(Statement("", "", (chain,), given)).level


def test_levels():
    assert verify(sigmoid.definition).level == "definition"
    assert level(sigma(-t), 1 - sigma(t)) == "proved, scalar"
    assert level(D(z[i], w[k]), X[i, k], DIFFERENTIATE, (i, k)) == "proved, all sizes, restated"
    once = total(k, total(l, Delta(k, l) * w[k] * v[l]))  # a delta between two rests
    assert level(once, total(k, w[k] * v[k]), CONTRACT) == "proved, all sizes"
    assert level(sigma(-t), 1 - sigma(t), more=(Prose("so it is", "someone"),)) == "lemma"
    assert level(sigma(-t), sigma(t)) == "failed"
    shifted = absolute(w[k]) + 1 - 1
    assert level(shifted, absolute(w[k]), ALGEBRA, (k,)) == "proved, all sizes"


def test_of_several_chains_the_worst_counts():
    """Whichever comes first, of the routes and of the level."""
    good, bad = (Chain(x, (Step(right, ALGEBRA),)) for right in (x + x - x, exp(log(x))))
    for chains in ((good, bad), (bad, good)):
        report = verify(Statement("", "", chains))
        assert report.routes["all sizes"] == "not proved"
        assert report.routes["50 digits"] == "refuted"
    assert verification.worst(["not applicable", "agrees"]) == "agrees"


def test_a_sign_does_not_hold_under_a_limit():
    given = (Hypothesis("x > 0", signs=((x, "positive"),)),)
    facts = verification.facts_of(given, frozenset())
    far = Limit(absolute(x) * exp(x), x, -1)
    assert verification.resolved(far, facts) == far
    assert verification.resolved(absolute(x), facts) == x


def test_evidence_is_not_called_a_proof():
    """Rest-lumping proves it, the index calculus does not: that is not all sizes by both."""
    report = verify(Statement("", "", (Chain(x, (Step(exp(log(x)), ALGEBRA),)),)))
    assert "proved" not in report.level


def test_a_statement_of_which_both_sides_are_the_same_is_flagged():
    steps = (Step(2 * x, ALGEBRA), Step(x + x, ALGEBRA))
    report = verify(Statement("", "", (Chain(x + x, steps),)))
    assert report.flagged and report.chains[0].whole.flag
    assert not any(step.flag for step in report.chains[0].steps)
    opened = verify(Statement("", "", (Chain(p[i], (Step(sigma(z[i]), DEFINITION),), at=(i,)),)))
    assert opened.flagged and not opened.chains[0].steps[0].flag  # one by definition
    repeated = verify(Statement("", "", (Chain(x + x, (Step(x + x, ALGEBRA),)),)))
    assert repeated.chains[0].steps[0].flag
    assert not verify(sigmoid.symmetry).flagged


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (Statement("", ""), "nothing is claimed"),
        (Statement("", "", (Chain(x, ()),)), "chain 1: nothing is claimed"),
        (Statement("", "", (Chain(x, (Prose("words", ""),)),)), "chain 1: nothing is claimed"),
    ],
)
def test_nothing_claimed(statement, message):
    report = verify(statement)
    assert report.level == "failed" and report.failures == (message,)


def test_a_failure_lists_what_is_left():
    chain = Chain(total(k, w[k] * v[k]), (Step(total(k, w[k] * v[k]) + x, ALGEBRA),))
    report = verify(Statement("", "", (chain,)))
    assert report.chains[0].steps[0].residual == "-x"
    assert "what is left: -x" in report.failures[0]


# -- hypotheses ------------------------------------------------------------------------------------

one_hot = Hypothesis("labels sum to one", replace=((q[a], q[a] / total(b, q[b])),))
positive_q = Array("q", (K,), domain="positive")
shares = Hypothesis("shares", replace=((positive_q[a], positive_q[a] / total(b, positive_q[b])),))


def test_a_constraint_is_needed_and_used():
    claim = Chain(total(a, positive_q[a]), (Step(1, ALGEBRA),))
    assert verify(Statement("", "", (claim,))).level == "failed"
    assert verify(Statement("", "", (claim,), (shares,))).level.startswith("proved")
    wrong = Chain(total(a, positive_q[a]), (Step(2, ALGEBRA),))
    assert verify(Statement("", "", (wrong,), (shares,))).level == "failed"


@pytest.mark.parametrize(
    ("sign", "relation"),
    [
        ("positive", ">"), ("nonnegative", ">="), ("nonpositive", "<="), ("negative", "<"),
        ("zero", ">="), ("zero", "<="),
    ],
)  # fmt: skip
def test_an_assumed_sign_is_needed_and_used(sign, relation):
    chain = Chain(x * exp(t), (Step(0, SIGN, relation=relation),))
    assumed = Hypothesis("", signs=((x, sign),))
    assert verify(Statement("", "", (chain,))).level == "failed"
    report = verify(Statement("", "", (chain,), (assumed,)))
    assert report.level == "proved, scalar"
    assert report.chains[0].steps[0].routes["50 digits"] == "agrees"


ZERO = {"a sum": total(k, w[k]), "a transcendental": exp(x) - 1, "a difference": x - t}


@pytest.mark.parametrize("quantity", ZERO.values(), ids=ZERO)
def test_what_is_assumed_to_be_zero_has_a_witness(quantity):
    chain = Chain(quantity * exp(t), (Step(0, SIGN, relation=">="),))
    report = verify(Statement("", "", (chain,), (Hypothesis("", signs=((quantity, "zero"),)),)))
    assert report.failures == ()
    assert report.chains[0].steps[0].routes["50 digits"] == "agrees"
    both = ((quantity, "zero"), (quantity, "positive"))
    report = verify(Statement("", "", (chain,), (Hypothesis("", signs=both),)))
    assert "no point satisfies the hypotheses" in report.failures[0]


def test_a_derivative_by_what_stands_in_an_absolute_value_is_no_crash():
    chain = Chain(D(absolute(t) * t, t), (Step(2 * absolute(t), DIFFERENTIATE),))
    report = verify(Statement("", "", (chain,)))
    assert report.chains[0].steps[0].routes["all sizes"] == "not proved"


# -- as data, and the same in every run ------------------------------------------------------------


def test_a_report_is_json():
    report = verify(logistic.nll_gradient)
    data = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert data["level"] == report.level and data["flagged"] is False
    assert set(data["routes"]) == set(verification.ROUTES)
    (chain,) = data["chains"]
    assert len(chain["steps"]) == 7  # the six lines and the matrix form
    assert data["points"] == sum(step["points"] for step in chain["steps"])
    for step in (*chain["steps"], chain["whole"]):
        assert set(step) == {"rule", "routes", "flag", "residual", "points"}
        assert step["points"] > 0
        assert set(step["routes"]) == set(verification.ROUTES)


PROGRAM = """
import json
from derivations import logistic, sigmoid
from derivations.language.statement import ALGEBRA, Chain, Statement, Step
from derivations.proof.verification import verify
from derivations.language.terms import exp, total
from derivations.notation import X, i, k, v, w
wrong = Chain(total(k, w[k] * exp(X[i, k])), (Step(total(k, v[k] + X[i, k] * w[k]), ALGEBRA),), at=(i,))
found = []
for statement in (Statement("", "", (wrong,)), sigmoid.backward, logistic.nll_hessian):
    report = verify(statement).to_json()
    del report["seconds"]
    found.append(report)
print(json.dumps(found))
"""


def test_the_same_for_every_hash_seed():
    printed = set()
    for hash_seed in ("0", "1", "12345"):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        printed.add(run.stdout)
    assert len(printed) == 1
    assert json.loads(printed.pop())[0]["level"] == "failed"


def test_the_digest_sees_a_changed_citation():
    def citing(statement):
        step = Step(1 - sigma(t), DEFINITION, cites=(statement,))
        return Statement("", "", (Chain(sigma(-t), (step,)),))

    first = verification.digest(citing(sigmoid.symmetry))
    assert first == verification.digest(citing(sigmoid.symmetry))
    assert first != verification.digest(citing(sigmoid.derivative))
    assert j != i


def test_the_digest_sees_which_step_cites():
    def citing(first, second):
        steps = (
            Step(1 - sigma(t), DEFINITION, cites=first),
            Step(-sigma(t) + 1, ALGEBRA, cites=second),
        )
        return Statement("", "", (Chain(sigma(-t), steps),))

    cited = (sigmoid.symmetry,)
    assert verification.digest(citing(cited, ())) != verification.digest(citing((), cited))


def test_the_digest_sees_a_slope_and_a_program():
    def said(function, given=()):
        return verification.digest(
            Statement("", "", (Chain(function(x), (Step(x, ALGEBRA),)),), given)
        )

    plain, steep = Function("f", slopes=lambda t: (t,)), Function("f", slopes=lambda t: (2 * t,))
    assert said(plain) != said(steep) != said(Function("f", smooth=1)) != said(Function("f"))
    weak, strict = (Hypothesis("x", signs=((x, sign),)) for sign in ("nonnegative", "positive"))
    assert len({said(plain), said(plain, (weak,)), said(plain, (strict,))}) == 3


def changed(place) -> str:
    """The digest of the calculus where a module says something else."""
    read = Path.read_bytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda self: read(self) + b"#" * (self == place))
        return ledger.calculus_digest.__wrapped__()


def test_the_ledger_hashes_every_module():
    rooms = [ROOT / "derivations" / room for room in ledger.JUDGES]
    sources = [path for room in rooms for path in room.rglob("*.py")]
    now = ledger.calculus_digest.__wrapped__()
    digests = [changed(source) for source in sources]
    assert len(sources) > 10 and len({now, *digests}) == 1 + len(sources)


def test_the_ledger_hashes_every_version():
    assert set(ledger.versions()) == {"python", "sympy", "mpmath"}


def test_a_seal_is_that_of_the_whole_record():
    record = {"level": "proved, scalar", "failures": []}
    seals = {ledger.seal("a", record), ledger.seal("b", record), ledger.seal("a", {"level": ""})}
    assert len(seals) == 3


def test_the_ledger_hashes_all_that_has_a_say():
    program = "import sys; import derivations.proof.ledger; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    rooms = {name.split(".")[1] for name in found if name.startswith("derivations.")}
    concepts = {path.stem for path in (ROOT / "derivations").glob("*.py")}
    assert rooms - concepts == set(ledger.JUDGES)
