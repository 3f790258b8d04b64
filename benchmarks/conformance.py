"""The test vectors on other implementations: ``python -m benchmarks.conformance``.

It runs in the environment of `make peers` and writes benchmarks/results/conformance.json: of each
implementation what passed, the largest error of each function, and each kind of failure with a line
that reproduces it.
"""

import argparse
import datetime
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from reference_impl.conformance import program, report as reports, vectors as files
from reference_impl.conformance.verdicts import Verdict, judge

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).parent / "results" / "conformance.json"
ADAPTERS = "tests/adapters"
SERVE = "python -m reference_impl.conformance.adapter"
LOST = 2.0**26  # ulp: half of the binary digits of a float64 are wrong


@dataclass(frozen=True)
class Implementation:
    """A name, the version of what computes, and how it is run; None where it is not there."""

    name: str
    version: Callable[[], str]
    adapter: str
    command: Callable[[Path], list[str] | None]
    shown: str  # what a reader types in the folder of the project


def in_python(name, distribution, adapter):
    path = f"{ADAPTERS}/{adapter}.py"
    command = [sys.executable, "-m", "reference_impl.conformance.adapter", path]
    found = platform.python_version if distribution is None else lambda: version(distribution)
    return Implementation(name, found, path, lambda folder: command, f"{SERVE} {path}")


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def compiled(folder):
    if shutil.which("cc") is None:
        return None
    target = str(folder / "softmax")
    subprocess.run(
        ["cc", "-O2", "-o", target, f"{ADAPTERS}/softmax.c", "-lm"], check=True, cwd=ROOT
    )
    return [target]


def with_node(folder):
    return ["node", f"{ADAPTERS}/softmax.mjs"] if shutil.which("node") else None


IMPLEMENTATIONS = (
    in_python("this project", "logisticbp", "reference"),
    in_python("SciPy", "scipy", "by_scipy"),
    in_python("PyTorch", "torch", "by_torch"),
    in_python("JAX", "jax", "by_jax"),
    in_python("scikit-learn", "scikit-learn", "by_sklearn"),
    in_python("statsmodels", "statsmodels", "by_statsmodels"),
    in_python("ONNX Runtime", "onnxruntime", "by_onnxruntime"),
    in_python("Python, plain", None, "by_python"),
    Implementation(
        "JavaScript", lambda: f"node {first_line('node', '--version')}",
        f"{ADAPTERS}/softmax.mjs", with_node, f"node {ADAPTERS}/softmax.mjs",
    ),
    Implementation(
        "C", lambda: first_line("cc", "--version"), f"{ADAPTERS}/softmax.c", compiled, "./softmax"
    ),
)  # fmt: skip


def kinds(report, shown):
    """Failures of one function with the same flags as one; what is accepted, of all functions."""
    groups = {}
    for result in report.failures:
        here = result.test.function, result.test.flags
        accepted = result.fault == "accepted"
        key = fault(result), *((None, ()) if accepted else here), result.bug
        groups.setdefault(key, []).append(result)
    return [
        {
            "functions": sorted({result.test.function for result in group}),
            "flags": list(flags),
            "fault": kind,
            "bug": bug,
            "tests": [f"{result.test.statement} {result.test.number}" for result in group],
            "ulp": finite(max((r.ulp for r in group if r.ulp is not None), default=None)),
            **example(min(group, key=lambda result: len(result.test.request)), shown),
        }
        for (kind, _, flags, bug), group in sorted(groups.items(), key=order)
    ]


def order(item):
    """The failures of digits by function, then what is accepted."""
    (kind, function, flags, bug), _ = item
    return function is None, function or "", kind, flags, bug


def fault(result):
    """The kind of a failure; of what was accepted, what it is."""
    refusal = result.test.refusal
    return f"accepted: {refusal.kind}" if result.fault == "accepted" else result.fault


def example(result, shown):
    """The failure with the shortest request."""
    return {
        "example": str(result.test),
        "said": result.said,
        "reproduce": f"echo '{result.test.request}' | {shown}",
    }


def finite(ulp):
    return "inf" if ulp == float("inf") else ulp


def measured(implementation, vectors, folder, timeout):
    """What the vectors say of an implementation; None where it is not there."""
    command = implementation.command(folder)
    if command is None:
        return None
    said = program.ask(command, [test.request for test in vectors.tests], timeout)
    results = tuple(
        judge(test, answer, vectors.controls.get(test.request, ()))
        for test, answer in zip(vectors.tests, said.answers, strict=True)
    )
    report = reports.Report(tuple(command), vectors, results, said.remarks)
    faults = [fault(result) for result in report.failures]
    lost = [r for r in report.failures if r.fault == "digits" and r.ulp > LOST]
    return {
        "name": implementation.name,
        "version": implementation.version(),
        "adapter": implementation.adapter,
        "passed": sum(result.verdict is Verdict.PASSED for result in results),
        "unsupported": sum(result.verdict is Verdict.UNSUPPORTED for result in results),
        "faults": {kind: faults.count(kind) for kind in sorted(set(faults))},
        "digits lost": len(lost) + faults.count("not finite"),
        "remarks": list(said.remarks),
        "functions": reports.as_data(report)["functions"],
        "failures": kinds(report, implementation.shown),
    }


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def stored(path, vectors):
    """What is stored of each implementation, by name, if it was for these vectors."""
    run = json.loads(path.read_text(encoding="utf-8"))
    if run["vectors"]["sha256"] != vectors.sha256:
        raise SystemExit(f"{path} is of other vectors: run all implementations")
    return {one["name"]: one for one in run["implementations"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=Path, default=ROOT / "tests" / "vectors")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--timeout", type=float, default=300.0)
    names = [implementation.name for implementation in IMPLEMENTATIONS]
    parser.add_argument("--only", choices=names, nargs="+", default=names, metavar="NAME",
                        help="the others stay as they are stored, for the same vectors")  # fmt: skip
    options = parser.parse_args()
    vectors = files.load(options.vectors)
    kept = stored(options.out, vectors) if options.only != names else {}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for implementation in IMPLEMENTATIONS:
            if implementation.name not in options.only:
                found += [kept[implementation.name]] if implementation.name in kept else []
                continue
            one = measured(implementation, vectors, Path(folder), options.timeout)
            print(implementation.name, "not there" if one is None else one["faults"], flush=True)
            found += [] if one is None else [one]
    content = {
        "schema": 1,
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": processor(), "system": platform.system()},
        "versions": {"python": platform.python_version(), "numpy": version("numpy")},
        "vectors": {
            "files": vectors.files,
            "tests": len(vectors.tests),
            "functions": len(vectors.functions),
            "sha256": vectors.sha256,
        },
        "flags": {
            name: {"effect": flag.effect, "description": flag.description}
            for name, flag in sorted(vectors.flags.items())
        },
        "implementations": found,
    }
    options.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
