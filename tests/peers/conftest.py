"""Write build/peers.json: agreement with the peers, their errors, what they do without an MLE."""

import datetime
import importlib.metadata
import json
import pathlib
import platform

import compare
import record

BUILD = pathlib.Path(__file__).parents[2] / "build"
PACKAGES = ("numpy", "torch", "jax", "scikit-learn", "statsmodels", "scipy", "mpmath")


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and record.ACCURACY and record.SEPARABLE:
        BUILD.mkdir(exist_ok=True)
        text = json.dumps(_content(), indent=1, ensure_ascii=False)
        (BUILD / "peers.json").write_text(text + "\n", encoding="utf-8")


def _content():
    agreement = {
        statement: {
            oracle: {
                "cases": found.cases,
                "values": found.values,
                "largest_difference_ulp": found.largest,
                "worst": found.worst,
            }
            for oracle, found in sorted(oracles.items())
        }
        for statement, oracles in sorted(compare.EVIDENCE.statements.items())
    }
    return {
        "schema": 1,
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in PACKAGES},
        },
        "agreement": agreement,
        "accuracy": sorted(record.ACCURACY, key=lambda row: (row["function"], row["input"])),
        "separable": sorted(record.SEPARABLE, key=lambda row: (row["data"], row["library"])),
    }
