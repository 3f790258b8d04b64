"""The sessions of the page on scale that need workers; those that need none run with the others."""

import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
SESSIONS = re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("session", SESSIONS)
def test_session(session):
    example = doctest.DocTestParser().get_doctest(session, {}, PAGE.name, str(PAGE), 0)
    report = []
    result = doctest.DocTestRunner().run(example, out=report.append)
    assert (result.failed, "".join(report)) == (0, "")
    assert result.attempted > 5
