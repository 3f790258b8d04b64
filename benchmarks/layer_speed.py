"""Times of layers beside PyTorch's, one thread, float64: ``python -m benchmarks.layer_speed``.

A task is one pass forward and one pass backward, to the gradients of the input and of the parameters. The
two take turns in one process and the shortest time of many counts, for a busy machine only adds. Run it in
the environment of `make peers`; it writes benchmarks/results/layer_speed.json.
"""

import datetime
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from reference_impl import layer as layers
from reference_impl.attention import Attention
from reference_impl.backpropagation import Chain
from reference_impl.gates import GELU
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL
from reference_impl.normalisation import LayerNorm
from reference_impl.quiet import quiet

RESULT = Path(__file__).parent / "results" / "layer_speed.json"
SEED = 2024
SIZES = (128, 64), (1024, 256), (4096, 512)  # 64 kB, 2 MB and 16 MB an array
BUDGET = 8.0  # seconds for each task


@quiet
def both_rules(layer, z, delta):
    """The value, RULE 2 and RULE 3 by one pullback, with the checks of the four methods."""
    value, back = layer.pullback(layers.points("z", z))
    result, gradients = back(layers.delta_of(delta, value.shape))
    return [value, result, *gradients().values()]


def layer_norm(rng, N, M):
    import torch

    z, delta = rng.normal(size=(N, M)), rng.normal(size=(N, M))
    gain, bias = rng.normal(size=M), rng.normal(size=M)
    layer = LayerNorm(gain, bias)
    return lambda: both_rules(layer, z, delta), of_torch(
        lambda t, g, b: torch.nn.functional.layer_norm(t, (M,), g, b, 1e-5), z, gain, bias, delta
    )


def gelu(rng, N, M):
    import torch

    z, delta = rng.normal(size=(N, M)), rng.normal(size=(N, M))
    return lambda: both_rules(GELU, z, delta), of_torch(torch.nn.functional.gelu, z, delta)


def cross_entropy(rng, N, M):
    import torch

    z, y = rng.normal(size=(N, M)), rng.integers(0, M, N)
    network, labels = Chain([LogSoftmax(), NLL(y, smoothing=0.1)]), torch.from_numpy(y)
    return lambda: both_rules(network, z, 1.0), of_torch(
        lambda t: torch.nn.functional.cross_entropy(
            t, labels, reduction="sum", label_smoothing=0.1
        ),
        z,
        np.ones(()),
    )


def attention(rng, N, M):
    """N queries over N keys of M columns, each of which sees those before it."""
    import torch

    queries, keys, values, delta = (rng.normal(size=(N, M)) for _ in range(4))
    layer, seen = Attention(np.tri(N)), torch.tensor(np.tri(N)) > 0

    def ours():
        value, back = layer.pullback(queries, keys, values)
        found = back(delta)
        return [value, found.queries, found.keys, found.values]

    def theirs(q, k, v):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)

    return ours, of_torch(theirs, queries, keys, values, delta)


def of_torch(function, *arrays):
    """Value and gradients of the sum of the value times the last array, in tensors made before."""
    import torch

    *inputs, delta = (torch.from_numpy(array.copy()) for array in arrays)
    for tensor in inputs:
        tensor.requires_grad_()

    def run():
        value = function(*inputs)
        pulled = torch.autograd.grad(value, inputs, delta)
        return [value.detach().numpy(), *(gradient.numpy() for gradient in pulled)]

    return run


TASKS = {
    "layer norm": (layer_norm, SIZES),
    "GELU": (gelu, SIZES),
    "cross-entropy with smoothing": (cross_entropy, SIZES),
    "attention": (attention, ((128, 64), (512, 64))),
}


def shortest(functions, budget):
    """The shortest time of each function on the processor, in seconds, called in turn."""
    best = dict.fromkeys(functions, float("inf"))
    end = time.perf_counter() + budget
    while time.perf_counter() < end:
        for name, function in functions.items():
            start = time.process_time()
            function()
            best[name] = min(best[name], time.process_time() - start)
    return best


def measured(budget=BUDGET, seed=SEED):
    """For each task and size the shortest times, after the results agree."""
    import torch

    torch.set_num_threads(1)
    for name, (make, sizes) in TASKS.items():
        for size in sizes:
            ours, theirs = make(np.random.default_rng(seed), *size)
            for one, other in zip(ours(), theirs(), strict=True):
                assert np.allclose(one, other, rtol=1e-9, atol=1e-9 * np.abs(other).max()), name
            times = shortest({"ours": ours, "PyTorch": theirs}, budget)
            yield {"layer": name, "size": size, "seconds": times}


def main():
    """Measure, print and write."""
    found = []
    for case in measured():
        ours, theirs = case["seconds"].values()
        print(f"{case['layer']} {case['size']}: {ours * 1e6:.0f} us, PyTorch {theirs * 1e6:.0f} us, "
              f"{ours / theirs:.2f} times", flush=True)  # fmt: skip
        found.append(case)
    stored = {
        "date": datetime.date.today().isoformat(),
        "seed": SEED,
        "processor": platform.processor() or platform.machine(),
        "versions": {name: version(name) for name in ("numpy", "scipy", "torch")},
        "cases": found,
    }
    RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
