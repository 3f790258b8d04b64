"""The page of the test vectors: its counts and tables are those of the files."""

import json

from _extensions import vector_files
from _extensions.downloads import VECTORS


def test_counts_are_those_of_the_files():
    """Counted once more, by the lines: one test is one line."""
    texts = [path.read_text(encoding="utf-8") for path in VECTORS.glob("*.*.json")]
    shown = vector_files.numbers()
    assert shown["functions"] == f"{len(texts):,}"
    tests = sum(text.count('{"id": ') for text in texts)
    assert shown["tests"] == f"{tests:,}"
    for result in vector_files.RESULTS:
        lines = sum(text.count(f'"result": "{result}"') for text in texts)
        assert shown[result] == f"{lines:,}"


def test_every_flag_is_shown():
    named = set()
    for path in VECTORS.glob("*.*.json"):
        named |= json.loads(path.read_text(encoding="utf-8"))["flags"].keys()
    assert vector_files.flags().keys() == named
    assert all(count > 0 for _, count in vector_files.flags().values())


def test_entries_of_bounds():
    assert vector_files.entries({"W": [[1, 2], [3, 4]], "b": 5}) == [1, 2, 3, 4, 5]
    assert vector_files.entries(0.5) == [0.5]
