"""No false statement of the catalogue is proved, and the stored verdicts are those of today."""

import json

import pytest
from tally import COUNTS
from unsound import CLAIMS, STORED, judged

ROWS = json.loads(STORED.read_text(encoding="utf-8"))


def test_every_claim_is_stored():
    assert [row["words"] for row in ROWS] == [claim.words for claim in CLAIMS]


@pytest.mark.parametrize("place", range(len(CLAIMS)), ids=[claim.words for claim in CLAIMS])
def test_refused(place):
    found = judged(CLAIMS[place])
    assert found["level"] == "failed"
    assert found["verdicts"].get("all sizes") != "proved"
    assert found == ROWS[place], "run `python -m tests.proof.unsound`, and read what has changed"
    COUNTS["unsound claims refused"] += 1
