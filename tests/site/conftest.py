"""Small sites; left out where there is no Sphinx, which only the environment of the docs has."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

collect_ignore_glob = [] if find_spec("sphinx") else ["test_*.py"]


@pytest.fixture
def build(tmp_path):
    """Return a function that builds a site from pages and statements."""
    from small import builder

    return builder(tmp_path)
