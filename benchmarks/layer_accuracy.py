"""Errors of layers where the plain formula fails, in ulp: ``python -m benchmarks.layer_accuracy``.

Ours beside PyTorch and JAX, in float64, against 60 digits. Of a row of results the largest
difference counts, in ulp of its largest entry. Run it in the environment of `make peers`; it writes
benchmarks/results/layer_accuracy.json.
"""

import datetime
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from mpmath import mp, mpf

from reference_impl.attention import Attention
from reference_impl.gates import GELU
from reference_impl.normalisation import LayerNorm
from reference_impl.targets import masked_log_softmax

RESULT = Path(__file__).parent / "results" / "layer_accuracy.json"
SEED = 2024
ROWS = 200


@dataclass(frozen=True)
class Case:
    """A layer at inputs, a row each: results by library, and the exact row."""

    name: str
    inputs: str
    results: dict
    exact: list


def torch_pair(function, *arrays):
    """Value and gradients of the sum of the value times the last array, in PyTorch."""
    import torch

    *inputs, delta = (torch.tensor(array) for array in arrays)
    for tensor in inputs:
        tensor.requires_grad_()
    value = function(*inputs)
    pulled = torch.autograd.grad(value, inputs, delta)
    return [value.detach().numpy(), *(gradient.numpy() for gradient in pulled)]


def jax_pair(function, *arrays):
    """The same in JAX."""
    import jax

    jax.config.update("jax_enable_x64", True)
    *inputs, delta = arrays
    value, back = jax.vjp(function, *inputs)
    return [np.asarray(value), *map(np.asarray, back(delta))]


def gelu(name, inputs, t):
    import jax
    import torch

    def exact(x):
        x = mpf(float(x))
        below = mp.erfc(-x / mp.sqrt(2)) / 2
        return x * below, below + x * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)

    z, ones = t[:, None], np.ones((len(t), 1))
    results = {
        "ours": [GELU.forward(z), GELU.backward(z, ones)],
        "PyTorch": torch_pair(torch.nn.functional.gelu, z, ones),
        "JAX": jax_pair(lambda t: jax.nn.gelu(t, approximate=False), z, ones),
    }
    rows = list(map(exact, t))
    for place, what in enumerate(("value", "slope")):
        found = {library: both[place] for library, both in results.items()}
        yield Case(f"{name}, {what}", inputs, found, [[row[place]] for row in rows])


def layer_norm(z, gain, bias, delta):
    import jax
    import torch

    eps, M = 1e-5, z.shape[1]
    layer = LayerNorm(gain, bias, eps)

    def plain(z):
        mean = z.mean(axis=1, keepdims=True)
        variance = ((z - mean) ** 2).mean(axis=1, keepdims=True)
        return gain * (z - mean) * jax.lax.rsqrt(variance + eps) + bias

    def exact(row, d):
        row, g, d = ([mpf(float(x)) for x in part] for part in (row, gain, d))
        deviation = [x - sum(row) / M for x in row]
        root = mp.sqrt(sum(x * x for x in deviation) / M + mpf(eps))
        hat, pull = [x / root for x in deviation], [a * b for a, b in zip(g, d, strict=True)]
        along = sum(a * b for a, b in zip(pull, hat, strict=True)) / M
        value = [a * h + mpf(float(b)) for a, h, b in zip(g, hat, bias, strict=True)]
        return value, [(p - sum(pull) / M - h * along) / root
                       for p, h in zip(pull, hat, strict=True)]  # fmt: skip

    weights = torch.tensor(gain), torch.tensor(bias)
    results = {
        "ours": [layer.forward(z), layer.backward(z, delta)],
        "PyTorch": torch_pair(
            lambda t: torch.nn.functional.layer_norm(t, (M,), *weights, eps), z, delta
        ),
        "JAX": jax_pair(plain, z, delta),
    }
    rows = [exact(*pair) for pair in zip(z, delta, strict=True)]
    for place, what in enumerate(("value", "RULE 2")):
        found = {library: both[place] for library, both in results.items()}
        inputs = f"{len(z)} rows of {M} numbers near 1e8"
        yield Case(f"layer norm, {what}", inputs, found, [row[place] for row in rows])


def masked_rows(z, mask, delta):
    import jax
    import torch

    def exact(row, seen, d):
        row, d = ([mpf(float(x)) for x in part] for part in (row, d))
        e = [mp.exp(x) if s else mpf(0) for x, s in zip(row, seen, strict=True)]
        total = sum(x for x, s in zip(d, seen, strict=True) if s)
        return [x - p / sum(e) * total if s else mpf(0)
                for x, p, s in zip(d, e, seen, strict=True)]  # fmt: skip

    hidden = torch.tensor(~mask)
    results = {
        "ours": masked_log_softmax(z, mask, delta),
        "PyTorch": torch_pair(
            lambda t: torch.where(
                hidden, 0.0, torch.log_softmax(t.masked_fill(hidden, -torch.inf), 1)
            ),
            z, np.where(mask, delta, 0.0),
        )[1],
        "JAX": jax_pair(
            lambda t: jax.numpy.where(
                mask, jax.nn.log_softmax(jax.numpy.where(mask, t, -np.inf), axis=1), 0.0
            ),
            z, np.where(mask, delta, 0.0),
        )[1],
    }  # fmt: skip
    rows = [exact(*row) for row in zip(z, mask, delta, strict=True)]
    yield Case("log-softmax of masked rows, RULE 2", f"{len(z)} rows, logits up to 700",
               results, rows)  # fmt: skip


def attention(queries, keys, values, mask):
    import jax
    import torch

    scale = np.sqrt(queries.shape[1])
    scores = [[sum(mpf(float(a)) * mpf(float(b)) for a, b in zip(q, k, strict=True))
               / mp.sqrt(len(q)) for k in keys] for q in queries]  # fmt: skip
    exact = []
    for row, seen in zip(scores, mask, strict=True):
        e = [mp.exp(x) if s else mpf(0) for x, s in zip(row, seen, strict=True)]
        exact.append([sum(a * mpf(float(v)) for a, v in zip(e, column, strict=True)) / sum(e)
                      for column in values.T])  # fmt: skip
    of_torch = [torch.tensor(array) for array in (queries, keys, values, mask)]
    hidden = jax.numpy.where(mask, 0.0, -jax.numpy.inf)
    results = {
        "ours": Attention(mask).forward(queries, keys, values),
        "PyTorch": torch.nn.functional.scaled_dot_product_attention(
            *of_torch[:3], attn_mask=of_torch[3]
        ).numpy(),
        "JAX": np.asarray(jax.nn.softmax(queries @ keys.T / scale + hidden, axis=1) @ values),
    }
    yield Case("attention, value", f"{len(queries)} queries, scores of some hundreds",
               results, exact)  # fmt: skip


def cases(rows=ROWS, seed=SEED):
    """All cases, each with what the libraries give and the exact rows."""
    rng = np.random.default_rng(seed)
    yield from gelu("GELU, left tail", "t from -38 to -5", rng.uniform(-38, -5, rows))
    yield from gelu("GELU, middle", "t from -0.5 to 5", rng.uniform(-0.5, 5, rows))
    M = 16
    z = 1e8 + rng.normal(size=(rows, M))
    yield from layer_norm(z, rng.uniform(0.5, 2, M), rng.normal(size=M), rng.normal(size=(rows, M)))
    mask = rng.random((rows, 8)) < 0.6
    mask[np.arange(rows), rng.integers(0, 8, rows)] = True
    yield from masked_rows(rng.uniform(-700, 700, (rows, 8)), mask, rng.normal(size=(rows, 8)))
    queries, keys, values = (rng.normal(size=(20, 4)) * scale for scale in (20.0, 20.0, 1.0))
    yield from attention(queries, keys, values, np.tri(20, dtype=bool))


def ulp(found, exact):
    """The largest error of a row of results, in ulp of the largest entry of the row."""
    worst = 0.0
    for row, right in zip(found, exact, strict=True):
        unit = mpf(float(np.spacing(max(abs(float(x)) for x in right))))
        if not np.isfinite(row).all():
            return float("inf")
        apart = max(abs(mpf(float(a)) - b) for a, b in zip(row, right, strict=True))
        worst = max(worst, float(apart / unit))
    return worst


def measured(rows=ROWS, seed=SEED):
    """For each case its name, its inputs, and the largest error of each library."""
    with mp.workdps(60):
        return [
            {"name": case.name, "inputs": case.inputs,
             "ulp": {library: ulp(found, case.exact) for library, found in case.results.items()}}
            for case in cases(rows, seed)
        ]  # fmt: skip


def main():
    """Measure, print and write."""
    found = measured()
    for case in found:
        said = ", ".join(f"{library} {error:.3g}" for library, error in case["ulp"].items())
        print(f"{case['name']} ({case['inputs']}): {said} ulp")
    stored = {
        "date": datetime.date.today().isoformat(),
        "seed": SEED,
        "versions": {name: version(name) for name in ("numpy", "scipy", "torch", "jax")},
        "cases": found,
    }
    RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
