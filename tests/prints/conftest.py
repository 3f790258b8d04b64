"""Errors of generated code are no evidence about the implementation: they are counted apart."""

import compare
import pytest


@pytest.fixture(autouse=True)
def evidence_apart(monkeypatch):
    monkeypatch.setattr(compare, "EVIDENCE", compare.Evidence())
