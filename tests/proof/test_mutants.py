"""Every true statement with one mistake in it: each such mutant has to be rejected."""

import os
import random
from collections import Counter

import brute_force
import pytest
from random_terms import mutations
from tally import COUNTS

import derivations
from derivations.language.statement import Chain, Statement
from derivations.proof import digits, fingerprints, verification as checks

MOST = int(os.environ.get("MUTANTS_OF_A_CHAIN", "3"))  # 0: every one
OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}

CHAINS = [
    pytest.param(statement, chain, id=f"{name}-{number}")
    for name, statement in derivations.statements().items()
    for number, chain in enumerate(statement.chains, 1)
]


def equal_part(chain: Chain):
    """The last line that is equal to the first, before any inequality."""
    line = chain.left
    for step in chain.lines:
        if step.relation != "=":
            break
        line = checks.as_term(step.expression, chain.at)
    return line


def some(found: list, seed: str) -> list:
    """A sample in which every kind of mistake has its turn, the same in every run."""
    source = random.Random(seed)
    source.shuffle(found)
    seen: Counter[str] = Counter()
    turns = []
    for name, mutant in found:
        turns.append((seen[name], len(turns), name, mutant))
        seen[name] += 1
    return [(name, mutant) for _, _, name, mutant in sorted(turns, key=lambda turn: turn[:2])]


def values_of(node, statement: Statement):
    """The term with the constraints of the hypotheses put in, for the oracle."""
    return checks.constrained(node, statement.given)


def refuted(left, mutant, statement: Statement) -> bool:
    claim = checks.claim(left, mutant, "=", statement.given)
    assert not checks.proved_equal(claim), "the index calculus proves it"
    assert checks.restated(claim) != checks.PROVED, "rest-lumping proves it"
    return (
        digits.compare(left, mutant, "=", statement.given, random.Random(0)).said == checks.REFUTED
        or fingerprints.agrees(left, mutant, statement.given).said == checks.REFUTED
    )


@pytest.mark.parametrize(("statement", "chain"), CHAINS)
def test_mutants(statement, chain, request):
    last = equal_part(chain)
    if last is not chain.left:
        found = some(list(mutations(last)), request.node.name)
        tried = 0
        for name, mutant in found:
            if MOST and tried >= MOST:
                break
            if brute_force.equal(values_of(last, statement), values_of(mutant, statement)):
                COUNTS["mutants of the same value"] += 1
                continue
            tried += 1
            assert refuted(chain.left, mutant, statement), f"accepted: {name}: {mutant}"
            COUNTS["mutants rejected"] += 1
        assert tried, "no mutant was tried"
    for before, step in checks.pairs(chain):
        if step.relation != "=":
            after = checks.as_term(step.expression, chain.at)
            line = (before, after, OPPOSITE[step.relation], statement.given)
            assert not checks.proved_by_sign(checks.claim(*line))
            assert digits.compare(*line, random.Random(0)).said == checks.REFUTED
            COUNTS["opposite relations rejected"] += 1


def test_the_mistakes_are_mistakes():
    """Each kind of mistake is made somewhere."""
    kinds = {
        name
        for statement in derivations.statements().values()
        for chain in statement.chains
        for name, _ in mutations(equal_part(chain))
    }
    assert kinds >= {
        "a sign dropped", "a sign turned", "a wrong index", "another array", "a factor dropped",
        "a factor 1.0000001", "a delta dropped", "p for 1 - p", "a sum over the wrong index",
        "a missing sum", "a denominator dropped", "a term dropped",
    }  # fmt: skip
