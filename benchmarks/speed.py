"""Time and memory of this project and of its peers: ``python -m benchmarks`` runs all of it.

Each number of threads has a process of its own, because some libraries cannot change theirs later.
The result is written after every case, so that a run that is broken off leaves what it found.
"""

import argparse
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import threadpoolctl

from benchmarks import layers, peers, timing

RESULT = Path(__file__).parent / "results" / "speed.json"
PACKAGES = ("numpy", "numba", "scipy", "scikit-learn", "statsmodels", "torch", "jax", "autograd")
# Some machines set these to avoid kernels that old builds of OpenBLAS got wrong; both slow it.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
SCHEMA = 1
OURS = "this project"

# N, n, K.
GRADIENT = (
    (1_000, 10, 2), (100_000, 20, 2), (1_000_000, 20, 2), (1_000_000, 100, 2), (200_000, 500, 2),
    (1_000, 10, 3), (1_000_000, 50, 10), (60_000, 784, 10),
)  # fmt: skip
HESSIAN = ((100_000, 50, 2), (1_000_000, 100, 2), (20_000, 1_000, 2), (10_000, 20, 5),
           (100_000, 50, 10))  # fmt: skip
HVP = ((1_000_000, 100, 2), (1_000_000, 50, 10))
QUICK = (300, 6, 4)  # the largest shape of a smoke run
GROWTH = {
    "N": tuple((N, 20, 2) for N in (1_000, 10_000, 100_000, 1_000_000)),
    "n": tuple((10_000, n, 2) for n in (10, 30, 100, 300, 1_000)),
    "K": tuple((10_000, 50, K) for K in (3, 10, 30, 100)),
}


def cases(threads, quick):
    """Return (section, task, shape, dtype) in the order in which they run."""
    found = [("gradient", "gradient", shape, dtype)
             for dtype in ("float64", "float32") for shape in GRADIENT]  # fmt: skip
    found += [("hessian", "hessian", shape, "float64") for shape in HESSIAN]
    found += [("hvp", "hvp", shape, "float64") for shape in HVP]
    if threads == 1:
        found += [(f"growth in {of}", "gradient", shape, "float64")
                  for of, shapes in GROWTH.items() for shape in shapes]  # fmt: skip
    if quick:
        found = [(section, task, tuple(map(min, shape, QUICK)), dtype)
                 for section, task, shape, dtype in found]  # fmt: skip
    return list(dict.fromkeys(found))


def measure(section, task, shape, dtype, threads, *, budget, compiled):
    """Return one case: times, memory and the limit; with torch.compile if `compiled`."""
    problem = peers.problem(*shape, dtype, threads)
    functions = {}
    for name, peer in peers.PEERS.items():
        if compiled or name != "torch.compile":
            found = peer(problem)
            if task in found:
                functions[name] = found[task]
    expected = functions[OURS]()
    failed = {}
    for name, function in list(functions.items()):
        try:
            apart = peers.difference(function(), expected)
        except Exception as error:  # a peer may run out of memory, or have no compiler
            failed[name] = f"{type(error).__name__}: {error}"[:200]
            del functions[name]
            continue
        if not apart < (1e-3 if dtype == "float32" else 1e-8):
            raise AssertionError(f"{name} differs by {apart:.1e} at {shape}, {task}")
    seconds = timing.medians({**functions, **limits(problem)}, budget=budget)
    read, product = (seconds.pop(name) for name in ("read", "product"))
    if task == "hvp":  # its unit is a gradient
        gradient = peers.ours(problem)["gradient"]
        unit = timing.medians({"hvp": functions[OURS], "gradient": gradient},
                              budget=budget)  # fmt: skip
        in_gradients = unit["hvp"] / unit["gradient"]
    N, n, K = shape
    memory = {name: timing.extra_memory(function) for name, function in functions.items()}
    return {
        "section": section, "task": task, "N": N, "n": n, "K": K, "dtype": dtype,
        "threads": threads, "seconds": seconds, "failed": failed, "extra_bytes": memory,
        "X_bytes": problem.X.nbytes, "read_seconds": read,
        "flop_seconds": product / PRODUCT_FLOPS * flops(task, N, n, K),
        **({"in_gradients": in_gradients} if task == "hvp" else {}),
    }  # fmt: skip


SIDE = 500
PRODUCT_FLOPS = 2 * SIDE**3


def limits(problem):
    """One read of X, as integers: no rounding to wait for. And a product of matrices."""
    words = problem.X.ravel().view(np.uint64 if problem.dtype == np.float64 else np.uint32)
    A = np.ones((SIDE, SIDE), problem.dtype)
    return {"read": words.max, "product": lambda: A @ A[::-1]}


def flops(task, N, n, K):
    """Return the operations of the matrix products that the task cannot do without."""
    classes = 1 if K == 2 else K
    if task == "hessian":
        pairs = 1 if K == 2 else K * (K - 1) // 2
        return N * n * (n + 1) * pairs
    return (4 if task == "gradient" else 6) * N * n * classes


def measure_layers(name, threads, *, budget):
    """Return one network: times and memory."""
    N, sizes, activation = layers.NETWORKS[name]
    network = layers.network(N, sizes, activation, threads)
    functions = {library: make(network) for library, make in layers.LIBRARIES.items()}
    expected = functions[OURS]()
    for library, function in functions.items():
        apart = peers.difference(function(), expected)
        assert apart < 1e-8, f"{library} differs by {apart:.1e} at {name}"
    return {
        "section": "layers", "task": name, "N": N, "sizes": list(sizes), "threads": threads,
        "seconds": timing.medians(functions, budget=budget),
        "extra_bytes": {library: timing.extra_memory(f) for library, f in functions.items()},
    }  # fmt: skip


def measure_alone(shape, make, more="", *, budget):
    """Return two cases without peers: what two threads gain, and what a busy machine costs.

    While a process that counts has a core, the default call stands beside one with BLAS held to
    one thread: many calls of either, so that what it costs to hold it from outside does not count.
    `make` is one of our peers, and `more` is added to the names of the sections.
    """
    one, two = (make(peers.problem(*shape, "float64", t))["gradient"] for t in (1, 2))
    calls = max(1, 10**6 // (shape[0] * shape[1]))

    def default():
        for _ in range(calls):
            one()

    def held():
        with threadpoolctl.threadpool_limits(1, user_api="blas"):
            default()

    idle = timing.medians({OURS: two, "one thread": one}, budget=budget)
    counting = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        busy = timing.medians({OURS: default, "one BLAS thread": held}, budget=budget)
    finally:
        counting.kill()
        counting.wait()
    case = {"task": "gradient", **dict(zip("NnK", shape, strict=True)), "dtype": "float64"}
    return (
        {"section": f"gain{more}", **case, "threads": 2, "seconds": idle},
        {"section": f"busy{more}", **case, "threads": 1,
         "seconds": {name: seconds / calls for name, seconds in busy.items()}},
    )  # fmt: skip


def machine():
    """Return what ran: processor, kernel of BLAS, versions."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo")
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    blas = threadpoolctl.threadpool_info()
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "blas": sorted({f"{found['internal_api']} {found['version']} "
                        f"{found.get('architecture', '')}" for found in blas
                        if found["user_api"] == "blas"}),
        "versions": {"python": platform.python_version(),
                     **{package: importlib.metadata.version(package) for package in PACKAGES}},
    }  # fmt: skip


def _lines(path):
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def child(threads, quick, out):
    """Run all cases with a number of threads; one JSON line for each."""
    budget = 0.01 if quick else 0.4  # seconds for a function
    with open(out, "a", encoding="utf-8") as file:

        def report(row):
            print(json.dumps(row), file=file, flush=True)
            print(line(row), flush=True)
            gc.collect()

        for case in cases(threads, quick):
            # It takes seconds to compile: for one section only.
            compiled = not quick and case[0] == "gradient" and case[3] == "float64"
            report(measure(*case, threads, budget=budget, compiled=compiled))
        for name in layers.NETWORKS:
            report(measure_layers(name, threads, budget=budget))
        if threads == 2:  # as many as BLAS may use
            for shape in (QUICK,) if quick else GRADIENT:
                for make, more in ((peers.ours, ""), (peers.without_numba, "-numpy")):
                    for row in measure_alone(shape, make, more, budget=budget):
                        report(row)


def line(row):
    """Return a case as a line of text: milliseconds, and how many times slower the peers are."""
    mine = row["seconds"][OURS]
    shape = "x".join(str(row[size]) for size in ("N", "n", "K")) if "n" in row else ""
    ratios = ", ".join(f"{name} {seconds / mine:.2f}" for name, seconds in row["seconds"].items()
                       if name != OURS)  # fmt: skip
    limit = (f"; limit {max(row['read_seconds'], row['flop_seconds']) / mine:.2f}"
             if "read_seconds" in row else "")  # fmt: skip
    unit = f"; {row['in_gradients']:.2f} gradients" if "in_gradients" in row else ""
    kind = f"{row['task']} {shape} {row.get('dtype', '')} threads={row['threads']}"
    return f"{kind}: {1e3 * mine:.3f} ms; {ratios}{limit}{unit}"


def run(quick=False, result=RESULT):
    """Run every case with 1 and with 2 threads and write the result."""
    result.parent.mkdir(exist_ok=True)
    parts = result.with_suffix(".parts")
    parts.unlink(missing_ok=True)
    about = {"schema": SCHEMA, "quick": quick, "seed": 0, **machine()}
    print(about["processor"], *about["blas"], sep="; ", flush=True)
    for threads in (1, 2):
        command = [sys.executable, "-m", "benchmarks", "--threads", str(threads), "--out",
                   str(parts), *(["--quick"] if quick else [])]  # fmt: skip
        status = subprocess.run(command, env=environment(threads), check=False).returncode
        rows = [json.loads(text) for text in _lines(parts)]
        about["date"] = datetime.date.today().isoformat()
        about["complete"] = status == 0
        text = json.dumps({**about, "rows": rows}, indent=1)
        result.write_text(text + "\n", encoding="utf-8")
        if status:
            sys.exit(f"the run with {threads} threads ended with status {status}")
    parts.unlink()
    print(f"written to {result}")


def environment(threads):
    """Return the environment of a run: every library gets this number of threads."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    eigen = "true" if threads > 1 else "false"
    return {
        **kept,
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
                        str(threads)),
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen} "
                     f"intra_op_parallelism_threads={threads}",
        "NPROC": str(threads),
        "JAX_PLATFORMS": "cpu",
    }  # fmt: skip


def main():
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small shapes, one turn: a smoke run")
    parser.add_argument("--out", type=Path, default=RESULT, help="the file for the result")
    parser.add_argument("--threads", type=int, help="only this number of threads, into --out")
    options = parser.parse_args()
    if options.threads:
        child(options.threads, options.quick, options.out)
    else:
        run(options.quick, options.out)
