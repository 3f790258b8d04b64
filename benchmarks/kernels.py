"""Softmax and cross-entropy in low precision beside their bounds: ``python -m benchmarks.kernels``.

It runs on the CPU, and with ``--device cuda`` on a GPU, with what is installed: PyTorch, and on a GPU
torch.compile, Liger and cut-cross-entropy. Each kernel declares its arithmetic; printed is which part
of the worst case and of the likely bound its results use. Above 1 of the worst case is wrong. It
prints a table and, with ``--out FILE``, writes it as JSON.
"""

import argparse
import datetime
import importlib
import importlib.util
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from benchmarks.conformance import processor
from reference_impl import low_precision
from reference_impl.low_precision import BF16, FP16, FP32, Arithmetic

SEED = 2026
FORMATS = {torch.bfloat16: BF16, torch.float16: FP16, torch.float32: FP32}


@dataclass(frozen=True)
class Case:
    """Features (N x d), class weights (K x d) and labels; `scale` is the size of the logits."""

    name: str
    N: int
    d: int
    K: int
    scale: float = 1.0
    ignored: float = 0.0
    confident: bool = False

    def data(self, dtype, device):
        """E, C and y; E and C are exact in the format."""
        rng = np.random.default_rng(SEED)
        E = rng.standard_normal((self.N, self.d)) * self.scale / self.d**0.5
        C = rng.standard_normal((self.K, self.d))
        y = rng.integers(0, self.K, self.N)
        if self.confident:
            E = C[y] * 40 / self.d
        y[rng.random(self.N) < self.ignored] = low_precision.IGNORED
        given = (torch.tensor(part, dtype=dtype, device=device) for part in (E, C))
        return *given, torch.tensor(y, device=device)


SMALL = (
    Case("random", 128, 64, 1000),
    Case("near-equal logits", 64, 32, 4096, scale=1e-3),
    Case("ignored rows", 128, 64, 1000, ignored=0.3),
    Case("well-trained rows", 64, 64, 1000, confident=True),
)
LARGE = (
    Case("random", 2048, 1024, 32000),
    Case("near-equal logits", 1024, 256, 131072, scale=1e-3),
    Case("ignored rows", 2048, 512, 50257, ignored=0.3),
    Case("well-trained rows", 1024, 1024, 32000, confident=True),
)


def wide_logits(E, C, y):
    """Logits in float32 from inputs that are rounded no more; gradients are rounded at the end."""
    return functional.cross_entropy(E.float() @ C.float().T, y)


def narrow_logits(E, C, y):
    """Logits, and their gradient, in the format of the data; the softmax in float32."""
    return functional.cross_entropy((E @ C.T).float(), y)


def compiled(E, C, y):
    return torch.compile(narrow_logits)(E, C, y)


def liger(E, C, y):
    module = importlib.import_module("liger_kernel.transformers")
    return module.LigerFusedLinearCrossEntropyLoss()(C, E, y)


def cut(E, C, y):
    return importlib.import_module("cut_cross_entropy").linear_cross_entropy(E, C, y)


def wide(data):
    return Arithmetic(data)


def narrow(data):
    return Arithmetic(data, logits=data, delta=data)


def filtered(data):
    """Cut-cross-entropy leaves out residuals below 2^-12, and says so."""
    return replace(narrow(data), logits=FP32, dropped=2.0**-12)


# Name, kernel, declared arithmetic, the package that it needs, and whether it needs a GPU.
KERNELS = (
    ("PyTorch, float32 logits", wide_logits, wide, "torch", False),
    ("PyTorch", narrow_logits, narrow, "torch", False),
    ("torch.compile", compiled, narrow, "torch", True),
    ("Liger, fused", liger, narrow, "liger_kernel", True),
    ("cut-cross-entropy", cut, filtered, "cut_cross_entropy", True),
)


def available(device):
    return [
        kernel
        for *kernel, package, gpu in KERNELS
        if importlib.util.find_spec(package) and (device == "cuda" or not gpu)
    ]


def computed(kernel, E, C, y):
    """The loss and the gradients by E and C."""
    E, C = E.detach().requires_grad_(), C.detach().requires_grad_()
    loss = kernel(E, C, y)
    loss.backward()
    return {"loss": loss.detach(), "E": E.grad, "C": C.grad}


def exact(tensor):
    """A tensor as float64 of NumPy, which holds every format."""
    return tensor.double().cpu().numpy()


def rows(cases, device):
    for case in cases:
        for dtype, data in FORMATS.items():
            E, C, y = case.data(dtype, device)
            for name, kernel, declared in available(device):
                arithmetic = declared(data)
                bounds = low_precision.linear_cross_entropy(
                    exact(E), exact(C), y.cpu().numpy(), arithmetic
                )
                try:
                    computed(kernel, E, C, y)  # compiles, and is not timed
                    began = time.perf_counter()
                    found = computed(kernel, E, C, y)
                    float(found["loss"])  # waits for a GPU
                    seconds = time.perf_counter() - began
                except (RuntimeError, ValueError, AssertionError) as problem:
                    yield {"case": asdict(case), "format": data.name, "kernel": name,
                           "refused": str(problem).splitlines()[0][:200]}  # fmt: skip
                    continue
                yield {
                    "case": asdict(case), "format": data.name, "kernel": name, "seconds": seconds,
                    "worst": {part: b.used(exact(found[part])) for part, b in bounds.items()},
                    "likely": {part: b.used_likely(exact(found[part])) for part, b in bounds.items()},
                    "of zero": {p: b.used(np.zeros_like(b.exact)) for p, b in bounds.items()},
                }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--large", action="store_true", help="thousands of rows and classes")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    found = []
    print("case, format, kernel: part of the worst case (of the likely bound) for loss, E, C")
    for row in rows(LARGE if options.large else SMALL, options.device):
        found.append(row)
        where = f"{row['case']['name']}, {row['format']}, {row['kernel']}"
        if "refused" in row:
            print(f"{where}: {row['refused']}")
            continue
        parts = (f"{row['worst'][p]:.2g} ({row['likely'][p]:.2g})" for p in ("loss", "E", "C"))
        print(f"{where}: {', '.join(parts)}; zero {row['of zero']['E']:.2g}", flush=True)
    if options.out:
        versions = {"torch": torch.__version__, "numpy": np.__version__}
        gpu = options.device == "cuda"
        content = {
            "date": datetime.date.today().isoformat(),
            "seed": SEED,
            "device": torch.cuda.get_device_name() if gpu else processor(),
            "versions": versions,
            "rows": found,
        }
        options.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
