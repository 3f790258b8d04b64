"""What the prover says of random statements: brute force refutes nothing that it proves."""

import os
import random

import pytest
import random_statements
from tally import COUNTS

from derivations.proof import verification as checks

BLOCKS = int(os.environ.get("RANDOM_TERM_BLOCKS", "3"))  # 400: 20,000 statements
SEEDS = 50
VERIFIED = 10  # of so many statements one is verified by all routes


def proved(case: random_statements.Case) -> dict[str, bool]:
    """Which of the two proofs prove a claim; empty where it is refused as it is written."""
    statement = case.statement
    (chain,) = statement.chains
    if any(checks.why_ill_posed(statement, random.Random(0))):
        return {}
    it = checks.claim(chain.left, chain.last, case.relation, case.given, checks.fixed_in(chain))
    if case.relation != "=":
        return {"all sizes": checks.proved_by_sign(it)}
    return {"all sizes": checks.proved_equal(it), "restated": checks.restated(it) == checks.PROVED}


def judged(seed: int) -> tuple[str, str]:
    """How a random statement was made, and what became of it."""
    case = random_statements.statement(seed)
    found = proved(case)
    said = "proved" if any(found.values()) else "undecided" if found else "refused"
    refuted = None
    if said == "proved" or case.variant != "true" or seed % VERIFIED == 0:
        refuted = random_statements.refutation(case)
    for route, holds in found.items():
        # Rest-lumping does not ask where a term is defined.
        known = refuted is None or (route == "restated" and refuted.undefined)
        assert not holds or known, f"seed {seed}: {route}: {refuted}: {case}"
    if seed % VERIFIED == 0:
        report = checks.verify(case.statement)
        assert not (refuted and report.level.startswith("proved")), f"seed {seed}: {case}"
        if case.variant == "true" and found:
            somewhere = refuted is not None and not refuted.undefined
            assert not somewhere, f"seed {seed}: not true: {refuted}: {case}"
            said_no = [r for r, verdict in report.routes.items() if verdict == checks.REFUTED]
            assert not said_no, f"seed {seed}: true, and refuted by {said_no}: {case}"
    if refuted:
        said = "false: not proved"
    return f"{case.variant}, {case.kind}", said


@pytest.mark.parametrize("block", range(BLOCKS), ids=lambda block: f"seeds-from-{block * SEEDS}")
def test_nothing_that_is_proved_is_refuted(block):
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        made, said = judged(seed)
        COUNTS[f"random statements ({made.split(',')[0]}): {said}"] += 1


def test_the_prover_proves_what_is_true():
    """It has power: of the statements that are true by construction it proves most."""
    found = [judged(seed) for seed in range(1, 100)]
    true = [said for made, said in found if made.startswith("true")]
    assert len(true) > 30 and true.count("proved") > len(true) / 2
    false = [said for made, said in found if not made.startswith("true")]
    assert false.count("false: not proved") > len(false) / 2
