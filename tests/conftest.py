"""Random order, and what the session checked: printed, and stored where the pages read it."""

import datetime
import json
import os
import pathlib
import platform
import random
import sys

import compare
import hypothesis
import mpmath
import numpy
import pytest

TESTS = pathlib.Path(__file__).parent
DOCS = TESTS.parent / "docs"
STORED = TESTS.parent / "benchmarks" / "results" / "evidence.json"

sys.path.insert(0, str(DOCS))

from _extensions import records  # noqa: E402

# The same examples in every run: what a run finds can be found again. No example database is kept.
hypothesis.settings.register_profile(
    "tests", derandomize=True, database=None, deadline=None, max_examples=50
)
hypothesis.settings.load_profile("tests")

ORDER = pytest.StashKey()
PARTIAL = pytest.StashKey()


def pytest_configure(config):
    # In the environment, so that parallel workers shuffle alike.
    seed = os.environ.setdefault("TEST_ORDER_SEED", str(random.randrange(10**6)))
    config.stash[ORDER] = int(seed)
    config.stash[PARTIAL] = config.getoption("collectonly")


def pytest_report_header(config):
    return f"order of the tests: TEST_ORDER_SEED={config.stash[ORDER]}"


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: item.nodeid)
    random.Random(config.stash[ORDER]).shuffle(items)
    collected = {item.path for item in items}
    config.stash[PARTIAL] |= not collected >= set(TESTS.glob("test_*.py"))


def pytest_deselected(items):
    items[0].config.stash[PARTIAL] = True


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take over what a parallel worker checked."""
    output = getattr(node, "workeroutput", {})
    compare.EVIDENCE.merge(output.get("evidence", {}))
    node.config.stash[PARTIAL] |= bool(error) or output.get("partial", True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    """Hand over what this worker checked, when it is one of several."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["evidence"] = compare.EVIDENCE.as_dict()
        session.config.workeroutput["partial"] = session.config.stash[PARTIAL]


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    records = [r for oracles in compare.EVIDENCE.statements.values() for r in oracles.values()]
    vectors = [o["vectors"] for o in compare.EVIDENCE.statements.values() if "vectors" in o]
    terminalreporter.write_line(
        f"checked: {len(compare.EVIDENCE.statements)} statements, "
        f"{sum(record.values for record in records)} values, "
        f"{sum(record.cases for record in vectors)} vectors"
    )
    # A part of the suite, one that failed, or what one of several workers saw, would mislead.
    if exitstatus == 0 and not config.stash[PARTIAL] and not hasattr(config, "workeroutput"):
        _store(STORED, _evidence())


def _evidence():
    statements = {}
    for statement, oracles in sorted(compare.EVIDENCE.statements.items()):
        # An identity compares two computed numbers: its error is not that of a value.
        exact = [record for oracle, record in oracles.items() if oracle != "identity"]
        worst = max(exact or oracles.values(), key=lambda record: (record.largest, record.worst))
        statements[statement] = {
            "cases": sum(record.cases for record in oracles.values()),
            "values": sum(record.values for record in oracles.values()),
            "largest_error_ulp": worst.largest,
            "worst": worst.worst,
            "oracles": sorted(oracles),
        }
    return {
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "mpmath": mpmath.__version__,
        },
        "measured": records.measured(DOCS / "downloads" / "formulas.json"),
        "statements": statements,
    }


def _store(path, found):
    """Write what was found; the date stays where nothing else is new."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if {**known, "date": None} != {**found, "date": None}:
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
