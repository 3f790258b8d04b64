"""Gradient checkers side by side, on the catalogue of the tests: ``python -m benchmarks.doctor``.

Each is given the same layers and losses, right and wrong ones, in the form that it wants, with its
default tolerances: ours as they are; for PyTorch, JAX and autograd as a function of their own whose
forward and backward are those of NumPy; for SciPy as a cost, the sum of the output with random
weights. What raises an error has refused, which counts as found. It runs in the environment of
`make peers` and writes benchmarks/results/doctor.json.
"""

import argparse
import datetime
import functools
import json
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import autograd
import jax
import numpy as np
import scipy.optimize
import torch
from autograd.test_util import check_grads as autograd_check
from jax.test_util import check_grads as jax_check

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "check"))

from asking import asked, named  # noqa: E402
from catalogue import RIGHT, WRONG  # noqa: E402
from catalogue.view import views  # noqa: E402
from random_right import case  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "doctor.json"
PACKAGES = ("numpy", "scipy", "torch", "jax", "autograd")
RANDOM, LARGE = 500, 2000  # right cases at random; from so many numbers on torch is asked in brief
TOLERANCE = 1e-5  # of SciPy's error, relative to the gradient: it has none of its own

jax.config.update("jax_enable_x64", True)


def filled(view, found):
    """Zeros for what is left out: a tool that wants every gradient gets none of these."""
    return {
        k: np.zeros_like(v) if found.get(k) is None else found[k] for k, v in view.values.items()
    }


# --------------------------------------------- each says whether it finds a view right


def by_torch(view):
    names = list(view.values)

    def forward(ctx, *tensors):
        ctx.save_for_backward(*tensors)
        values = {name: t.detach().numpy() for name, t in zip(names, tensors, strict=True)}
        return torch.as_tensor(np.array(view.forward(values)))

    def backward(ctx, delta):
        values = {n: t.detach().numpy() for n, t in zip(names, ctx.saved_tensors, strict=True)}
        found = view.pullback(values, delta.numpy())
        parts = [found.get(name) for name in names]
        return tuple(p if p is None else torch.as_tensor(np.array(p)) for p in parts)

    def jvp(ctx, *tangents):
        moved = dict(zip(names, (t.numpy() for t in tangents), strict=True))
        return torch.as_tensor(np.array(view.push(view.values, moved)))

    rules = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    if view.push:
        rules = {"forward": staticmethod(forward), "jvp": staticmethod(jvp)}
    layer = type("Brought", (torch.autograd.Function,), rules)
    inputs = [torch.tensor(value, requires_grad=True) for value in view.values.values()]
    if view.push:
        return torch.autograd.gradcheck(
            layer.apply, inputs, check_forward_ad=True, check_backward_ad=False
        )
    size = sum(value.size for value in view.values.values())
    return torch.autograd.gradcheck(layer.apply, inputs, fast_mode=size > LARGE)


def by_jax(view):
    names = list(view.values)
    shape = jax.ShapeDtypeStruct(np.shape(view.forward(copied(view))), np.float64)
    shapes = tuple(jax.ShapeDtypeStruct(v.shape, np.float64) for v in view.values.values())

    def named_values(arrays):
        return {name: np.asarray(a) for name, a in zip(names, arrays, strict=True)}

    def value(*arrays):
        return np.asarray(view.forward(named_values(arrays)), dtype=float)

    def back(delta, *arrays):
        found = filled(view, view.pullback(named_values(arrays), np.asarray(delta)))
        return tuple(np.asarray(found[name], dtype=float) for name in names)

    def along(arrays, tangents):
        moved = view.push(named_values(arrays), named_values(tangents))
        return np.asarray(moved, dtype=float)

    def f(*arrays):
        return jax.pure_callback(value, shape, *arrays)

    if view.push:
        f = jax.custom_jvp(f)
        f.defjvp(lambda arrays, tangents: (
            f(*arrays), jax.pure_callback(along, shape, arrays, tangents)))  # fmt: skip
    else:
        f = jax.custom_vjp(f)
        f.defvjp(lambda *arrays: (f(*arrays), arrays),
                 lambda arrays, delta: jax.pure_callback(back, shapes, delta, *arrays))  # fmt: skip
    jax_check(f, tuple(view.values.values()), order=1, modes=["fwd" if view.push else "rev"])
    return True


def copied(view):
    return {name: value.copy() for name, value in view.values.items()}


def flat(view):
    """The values of a view as one vector, and back; a gradient as one vector."""

    def named_values(x):
        ends = np.cumsum([v.size for v in view.values.values()])
        parts = np.split(x, ends[:-1])
        return {n: p.reshape(v.shape) for (n, v), p in zip(view.values.items(), parts, strict=True)}

    def vector(found):
        parts = filled(view, found)
        for name, value in view.values.items():
            if np.shape(parts[name]) != value.shape:
                raise ValueError(f"{name}: shape {np.shape(parts[name])} for {value.shape}")
        return np.concatenate([np.ravel(parts[name]) for name in view.values])

    return vector(view.values).astype(float), named_values, vector


def by_autograd(view):
    x, named_values, vector = flat(view)
    f = autograd.extend.primitive(
        lambda x: np.asarray(view.forward(named_values(x)), dtype=float)[()]
    )
    if view.push:
        autograd.extend.defjvp(f, lambda g, ans, x: view.push(named_values(x), named_values(g)))
    else:
        autograd.extend.defvjp(f, lambda ans, x: lambda g: vector(
            view.pullback(named_values(x), g)))  # fmt: skip
    autograd_check(f, modes=["fwd" if view.push else "rev"], order=1)(x)
    return True


def by_scipy(view):
    if view.push:
        return by_scipy_along(view)
    x, named_values, vector = flat(view)
    value = np.asarray(view.forward(copied(view)))
    weights = np.random.default_rng(0).standard_normal(value.shape)

    def cost(x):
        return np.sum(weights * view.forward(named_values(x)))

    def gradient(x):
        return vector(view.pullback(named_values(x), weights))

    return small(scipy.optimize.check_grad(cost, gradient, x), gradient(x))


def by_scipy_along(view):
    """The same along a direction: a function of one number."""
    rng = np.random.default_rng(0)
    moved = {name: rng.standard_normal(value.shape) for name, value in view.values.items()}
    weights = rng.standard_normal(np.shape(view.forward(copied(view))))

    def cost(t):
        at = {name: value + t[0] * moved[name] for name, value in view.values.items()}
        return np.sum(weights * view.forward(at))

    def gradient(t):
        at = {name: value + t[0] * moved[name] for name, value in view.values.items()}
        return np.array([np.sum(weights * view.push(at, moved))])

    return small(scipy.optimize.check_grad(cost, gradient, np.zeros(1)), gradient(np.zeros(1)))


def small(error, gradient):
    return bool(error <= TOLERANCE * max(1.0, float(np.linalg.norm(gradient))))


PEERS: dict[str, Callable] = {
    "torch": by_torch,
    "jax": by_jax,
    "autograd": by_autograd,
    "scipy": by_scipy,
}


# ------------------------------------------------------------------------------ what is measured


def ours(entry):
    """Our verdict, and what the cause that is named is worth."""
    report = asked(entry)
    return report.verdict, named(entry, report) if entry.slip else ""


def passes(peer, entry):
    """The verdict of a peer: right if it finds all claims of an entry so."""
    try:
        right = all(peer(view) for view in views(entry))
    except Exception:  # an assertion, or an error of the tool's own: it has refused
        right = False
    return "right" if right else "wrong", ""


TOOLS = {"ours": ours, **{name: functools.partial(passes, peer) for name, peer in PEERS.items()}}


@dataclass(frozen=True)
class Row:
    """What a tool says of an entry."""

    name: str
    verdict: str
    cause: str
    seconds: float


def measured(tool, entries):
    """What a tool says of entries, with its time."""
    rows = []
    for entry in entries:
        begun = time.perf_counter()
        verdict, cause = TOOLS[tool](entry)
        rows.append(Row(entry.name, verdict, cause, time.perf_counter() - begun))
        print(tool, rows[-1], flush=True)
    return rows


def tally(right, wrong):
    """What a tool gets wrong, by name, and its times."""
    seconds = [row.seconds for row in (*right, *wrong)]
    return {
        "missed": [row.name for row in wrong if row.verdict != "wrong"],
        "false_alarms": [row.name for row in right if row.verdict == "wrong"],
        "cannot_tell": [row.name for row in (*right, *wrong) if row.verdict == "cannot tell"],
        **{
            f"cause_{worth}": [
                row.name for row in wrong if row.verdict == "wrong" and row.cause == worth
            ]
            for worth in ("right", "none", "misleading")
        },
        "median_seconds": statistics.median(seconds),
        "most_seconds": max(seconds),
    }


def of_tool(tool, count):
    """All that is stored of a tool."""
    right = measured(tool, chain.from_iterable(RIGHT.values()))
    wrong = {name: measured(tool, entries) for name, entries in WRONG.items()}
    return {
        **tally(right, list(chain.from_iterable(wrong.values()))),
        "families": {
            name: {
                "missed": sum(row.verdict != "wrong" for row in rows),
                "cause_right": sum(row.cause == "right" for row in rows),
            }
            for name, rows in wrong.items()
        },
        "random": tally(measured(tool, map(case, range(count))), []),
    }


def run(count):
    """Everything that is stored."""
    from benchmarks.speed import machine

    about = machine()
    return {
        "schema": 1,
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": about["processor"], "processors": about["processors"],
                    "system": platform.system()},
        "versions": {"python": platform.python_version(),
                     **{package: version(package) for package in PACKAGES}},
        "large": LARGE,
        "scipy_tolerance": TOLERANCE,
        "random": count,
        "right": {name: len(entries) for name, entries in RIGHT.items()},
        "wrong": {name: len(entries) for name, entries in WRONG.items()},
        "tools": {tool: of_tool(tool, count) for tool in TOOLS},
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doctor", description=__doc__)
    parser.add_argument("--random", type=int, default=RANDOM, help="right cases at random")
    parser.add_argument("--out", type=Path, default=RESULT, help="the file for the result")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    text = json.dumps(run(options.random), indent=1, ensure_ascii=False)
    options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
