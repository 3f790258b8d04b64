"""Ten derivatives, ours beside those of tensorgrad: ``python -m benchmarks.derive``.

Each is worked out in a process of its own, so that nothing is remembered from another, a few times.
Time of the processor and time that passed are both kept, with the load of the machine; imports are
not counted. The error is that of the code, ours in NumPy and tensorgrad's in PyTorch, in float64
against differences of the forward pass at 50 digits. It runs in the environment of `make peers` and
writes benchmarks/results/derive.json.
"""

import argparse
import datetime
import functools
import json
import multiprocessing
import os
import platform
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from mpmath import mp, mpf

from derivations import forward_pass
from derivations.derive import derive
from derivations.prints import derived
from derivations.prints.mathematics import LATEX, TEXT, show
from derivations.proof import digits
from derivations.proof.verification import verify

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "derive.json"
PACKAGES = ("sympy", "mpmath", "numpy", "tensorgrad", "torch", "networkx")
SEED, TURNS = 0, 3
SIZES = {"N": 5, "K": 3, "M": 4, "n": 6}
PASSES = (
    ("temperature", "W"), ("temperature", "tau"), ("label_smoothing", "W"), ("focal", "w"),
    ("silu", "z"), ("gelu", "z"), ("hidden_layer", "U"), ("layer_norm", "z"), ("attention", "q"),
    ("poisson", "w"),
)  # fmt: skip


def numbers():
    """Numbers for every array and scalar of the forward passes, by name."""
    source = np.random.default_rng(SEED)
    N, K, M, n = SIZES.values()
    shapes = {"W": (K, n), "w": n, "X": (N, n), "z": M, "U": (M, n), "b": M, "v": M, "q": n,
              "V": (N, M)}  # fmt: skip
    return {
        **{name: source.standard_normal(shape) for name, shape in shapes.items()},
        "Y": np.eye(K)[source.integers(K, size=N)],
        "y": source.integers(2, size=N).astype(float),
        "tau": np.array(1.7),
        "alpha": np.array(0.1),
        "gamma": np.array(2.5),
        "epsilon": np.array(1e-3),
    }


def read(file, by):
    """A forward pass, and the variable in it."""
    forward = forward_pass.read(ROOT / "docs" / "forward_passes" / f"{file}.py")
    return forward, forward.variable(by)


def found(file, by, twice=None):
    """Our derivation."""
    forward, variable = read(file, by)
    second = None if twice is None else forward.variable(twice)
    return derive(forward.quantity, variable, second, given=forward.given)


def function_of(statement):
    """The NumPy code of a result as a function, and the names of what it takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours.py"
        path.write_text(derived.written("numpy", statement, "ours"), encoding="utf-8")
        function = forward_pass.run(path).ours
    code = function.__code__
    return function, code.co_varnames[: code.co_argcount]


def any_phi(order):
    """The function in the place of any phi at 50 digits, in float64."""

    def phi(s):
        with mp.workdps(50):
            return float(digits.any_function("phi 0", order, mpf(float(s))))

    return np.vectorize(phi, otypes=[float])


def our_values(statement, given):
    """The numbers of a result by its NumPy code."""
    function, names = function_of(statement)
    given = {"phi": any_phi(0), "phi_prime": any_phi(1), **given}
    return function(*(given[name] for name in names))


def exact(statement, given):
    """The left side by differences at 50 digits: the forward pass itself, no move of a derivation."""
    (chain,) = statement.chains
    arrays = {name: value.tolist() for name, value in given.items()}
    return digits.table(chain.left, arrays, at=chain.at, sizes=SIZES)


def relative_error(computed, expected):
    """The largest difference, relative to the largest entry."""
    expected = np.array(expected, dtype=object)
    assert computed.shape == expected.shape, (computed.shape, expected.shape)
    pairs = zip(computed.ravel().tolist(), expected.ravel(), strict=True)
    with mp.workdps(60):
        apart = max(abs(mpf(one) - other) for one, other in pairs)
        return float(apart / max(map(abs, expected.ravel())))


# ------------------------------------------------------------------------------ what is measured


def timed(function):
    """A result, and its time of the processor and of the clock."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return result, {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def ours(file, by):
    """Derive and verify: what came out, its numbers, and the exact ones."""
    outcome, deriving = timed(functools.partial(found, file, by))
    reports, verifying = timed(lambda: [verify(statement) for statement in outcome.statements])
    (chain,) = outcome.result.chains
    result = show(chain.last, TEXT)
    given = numbers()
    record = {
        "times": {"derive": deriving, "verify": verifying},
        "level": reports[outcome.statements.index(outcome.result)].level,
        "statements": len(outcome.statements),
        "lines": sum(len(c.lines) for s in outcome.statements for c in s.chains),
        "characters": len(result),
        "text": result,
        "latex": derived.equation(chain, LATEX),
    }
    return record, our_values(outcome.result, given), exact(outcome.result, given)


def tensorgrad(file, by, expand):
    """Derive and simplify: what came out, and its numbers or the error in its own words."""
    from benchmarks import tensorgrad_passes as peer

    def worked_out():
        left = peer.derivative(peer.FORWARD[file](), peer.VARIABLES[by])
        return left, left.full_simplify(expand=expand)

    (left, result), deriving = timed(worked_out)
    text = peer.text(result)
    record = {
        "times": {"derive": deriving},
        "expand": expand,
        "lines": len(str(result).splitlines()),
        "characters": len(text),
        "text": text,
        "refused": None,
    }
    try:
        computed = peer.values(left, peer.axes(file, by), numbers(), SIZES.values())
    except NotImplementedError as problem:
        return {**record, "refused": f"{type(problem).__name__}: {problem}"}, None
    return record, computed


def alone(function, *arguments):
    """What a function returns in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def medians(records):
    """The first of some records of the same, with the median of their times."""
    times = {
        task: {
            clock: statistics.median(record["times"][task][clock] for record in records)
            for clock in ("cpu", "wall")
        }
        for task in records[0]["times"]
    }
    return {**records[0], "times": times}


def measured(file, by, turns):
    """One derivative by both; of tensorgrad's two forms the shorter."""
    load, mine, forms = os.getloadavg()[0], [], {False: [], True: []}
    for _ in range(turns):  # by turns, so that a busy machine slows both
        record, computed, expected = alone(ours, file, by)
        mine.append({**record, "relative_error": relative_error(computed, expected)})
        for expand, records in forms.items():
            record, computed = alone(tensorgrad, file, by, expand)
            error = None if computed is None else relative_error(computed, expected)
            records.append({**record, "relative_error": error})
    theirs = min(map(medians, forms.values()), key=lambda record: record["characters"])
    return {"file": file, "by": by, "load": load, "ours": medians(mine), "tensorgrad": theirs}


def run(passes, turns):
    """Everything that is stored."""
    from benchmarks.speed import machine  # with the libraries that only `make peers` installs

    about = machine()
    rows = []
    for file, by in passes:
        row = measured(file, by, turns)
        print(line(row), flush=True)
        rows.append(row)
    return {
        "schema": 1,
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": about["processor"], "processors": about["processors"],
                    "system": platform.system()},
        "versions": {"python": platform.python_version(),
                     **{package: version(package) for package in PACKAGES}},
        "seed": SEED,
        "sizes": SIZES,
        "turns": turns,
        "passes": rows,
    }  # fmt: skip


def line(row):
    """One derivative as a line of text: seconds of the processor, sizes, errors."""
    mine, theirs = row["ours"], row["tensorgrad"]
    error = theirs["refused"] or f"{theirs['relative_error']:.1e}"
    return (
        f"{row['file']} by {row['by']}: derive {mine['times']['derive']['cpu']:.2f} s, "
        f"verify {mine['times']['verify']['cpu']:.2f} s, {mine['lines']} lines, "
        f"{mine['characters']} characters, {mine['relative_error']:.1e}; tensorgrad "
        f"{theirs['times']['derive']['cpu']:.2f} s, {theirs['lines']} lines, "
        f"{theirs['characters']} characters, {error}; load {row['load']:.1f}"
    )


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.derive", description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS, help="how often each is measured")
    parser.add_argument("--out", type=Path, default=RESULT, help="the file for the result")
    options = parser.parse_args()
    text = json.dumps(run(PASSES, options.turns), indent=1, ensure_ascii=False)
    options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
