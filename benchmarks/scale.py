"""Sums over blocks of a file and over workers: ``python -m benchmarks.scale [GIB]``.

Writes a file of GIB (default 4) in a temporary folder, which is removed afterwards, and measures
how fast a pass reads it, from the disk and from the page cache, beside reading it and doing
nothing; how much memory a pass takes; what Dask adds to a pass; and what a killed worker costs. The
result is stored in ``benchmarks/results/scale.json``. What is compared takes turns, so that a busy
machine slows all of it. It needs Dask: ``pip install 'logisticbp[dask]'``.
"""

import argparse
import importlib.metadata
import json
import logging
import multiprocessing
import os
import platform
import shutil
import signal
import statistics
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

import dask.array as da
import numpy as np
import threadpoolctl
from dask.distributed import Client, LocalCluster, wait

from benchmarks.timing import medians, seconds
from reference_impl.engine import distributed, estimation, logistic, streaming

RESULT = Path(__file__).parent / "results" / "scale.json"
SEED, COLUMNS = 0, 20
COLD_TURNS, KILLS = 3, 3
CHUNKS = (2, 4, 16, 64, 256, 1024)
FUNCTIONS = ("nll_and_gradient", "nll_hvp", "nll_hessian")


# ------------------------------------------------------------------------------ a file


def write(folder, rows):
    """Write X.npy and y.npy, block by block, and return their paths."""
    paths = folder / "X.npy", folder / "y.npy"
    generator = np.random.default_rng(SEED)
    w = coefficients()
    X = np.lib.format.open_memmap(paths[0], "w+", np.float64, (rows, COLUMNS))
    y = np.lib.format.open_memmap(paths[1], "w+", np.int8, (rows,))
    for start in range(0, rows, 2**18):
        part = slice(start, start + 2**18)
        X[part] = generator.standard_normal(X[part].shape)
        y[part] = generator.random(len(y[part])) < 1 / (1 + np.exp(-X[part] @ w))
    X.flush()
    y.flush()
    return paths


def coefficients():
    return np.random.default_rng(SEED + 1).standard_normal(COLUMNS) / 4


def forget(path):
    """Take a file out of the page cache; it must not be mapped."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def read(path):
    """Read a file into one buffer and do nothing with it: no pass can be faster."""
    buffer = bytearray(2**24)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def mapped(paths, rows=None):
    X, y = (np.load(path, mmap_mode="r")[:rows] for path in paths)
    return streaming.Blocks(X, y)


def one_pass(paths, name, rows=None):
    """Apply a block function to the file, mapped anew."""
    w = coefficients()
    direction = (w,) if name == "nll_hvp" else ()
    streaming.total(getattr(logistic, name), w, mapped(paths, rows), *direction)


def rates(paths):
    """GB/s of each pass, and of reading alone: from the disk and from the page cache."""
    runs = {"read": partial(read, paths[0])}
    runs |= {name: partial(one_pass, paths, name) for name in FUNCTIONS}
    size = paths[0].stat().st_size / 1e9
    cold = {name: [] for name in runs}
    for _ in range(COLD_TURNS):
        for name, run in runs.items():
            forget(paths[0])
            cold[name].append(seconds(run))
    warm = medians(runs, budget=30, most=5)
    return [
        {
            "pass": name,
            "disk": size / statistics.median(cold[name]),
            "page_cache": size / warm[name],
        }
        for name in runs
    ]


def peak(paths, name, rows):
    """Bytes of anonymous memory, which excludes the page cache, that a pass adds at most."""
    held, most, done = anonymous(), 0, threading.Event()

    def watch():
        nonlocal most
        while not done.is_set():
            most = max(most, anonymous())
            time.sleep(1e-3)

    watcher = threading.Thread(target=watch)
    watcher.start()
    one_pass(paths, name, rows)
    done.set()
    watcher.join()
    return max(0, most - held)


def anonymous():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    raise OSError("the kernel does not tell the anonymous memory")


def memory(paths, rows):
    """Memory of a pass over the first rows, each in a new process, so that none is held before."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as processes:
        return [
            {"bytes": part * COLUMNS * 8}
            | {name: processes.submit(peak, paths, name, part).result() for name in FUNCTIONS}
            for part in (rows // 16, rows // 4, rows)
        ]


def fit(paths):
    blocks = mapped(paths)
    start = time.perf_counter()
    found = estimation.newton(blocks)
    return {
        "seconds": time.perf_counter() - start,
        "steps": found.iterations,
        "relative_gradient": found.gradient_norm
        / np.linalg.norm(streaming.total(logistic.nll_gradient, np.zeros(COLUMNS), blocks)),
    }


# ------------------------------------------------------------------------------ workers


def cluster():
    return LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )


def on_workers(rows, chunks):
    """X and y that lie on the workers in so many chunks."""
    size = -(-rows // chunks)
    generator = da.random.default_rng(SEED)
    X = generator.standard_normal((rows, COLUMNS), chunks=(size, COLUMNS)).persist()
    uniform = generator.random(rows, chunks=size)
    y = (uniform < 1 / (1 + da.exp(-X @ coefficients()))).astype(np.int8).persist()
    wait([X, y])
    return X, y


def expression(w, X, y):
    """The same as one writes it down for whole Dask arrays."""
    z = X @ w
    value = (da.logaddexp(0, z) - y * z).sum()
    gradient = X.T @ (1 / (1 + da.exp(-z)) - y)
    return da.compute(value, gradient)


def overhead(rows):
    """Seconds of value and gradient by chunks on two workers, beside one process."""
    w, found = coefficients(), []
    for chunks in CHUNKS:
        with cluster() as workers, Client(workers):
            X, y = on_workers(rows, chunks)
            blocks = distributed.Blocks(X, y)
            near = streaming.Blocks(X.compute(), y.compute(), rows=-(-rows // chunks))
            run = {
                "workers": partial(streaming.total, logistic.nll_and_gradient, w, blocks),
                "one_process": partial(streaming.total, logistic.nll_and_gradient, w, near),
                "dask_array": partial(expression, w, X, y),
            }
            found.append({"chunks": len(blocks), **medians(run, budget=15, most=7)})
    return found


def killed(rows):
    """Seconds of a fit, undisturbed and with a worker killed in the middle, and the lost time."""
    undisturbed, disturbed = [], []
    for _ in range(KILLS):
        with cluster() as workers, Client(workers) as client:
            blocks = distributed.Blocks(*on_workers(rows, 16))
            expected = estimation.newton(blocks)
            undisturbed.append(seconds(partial(estimation.newton, blocks)))
            victim = min(client.run(os.getpid).values())
            killer = threading.Timer(undisturbed[-1] / 2, os.kill, (victim, signal.SIGKILL))
            start = time.perf_counter()
            killer.start()
            result = estimation.newton(blocks)
            disturbed.append(time.perf_counter() - start)
            if killer.is_alive() or (result.w != expected.w).any():
                raise RuntimeError("the fit was over before the kill, or the result is another")
    return {
        "chunks": 16,
        "steps": expected.iterations,
        "undisturbed": statistics.median(undisturbed),
        "killed": statistics.median(disturbed),
        "lost": statistics.median(np.subtract(disturbed, undisturbed).tolist()),
        "same_bits": True,
    }


def measure(gib, folder):
    rows = int(gib * 2**30) // (8 * COLUMNS)
    needed, free = gib * 2**30 * 1.25, shutil.disk_usage(folder).free
    if needed > free:
        raise SystemExit(f"{folder}: {needed:.3g} bytes are needed, {free:.3g} are free")
    with (
        tempfile.TemporaryDirectory(dir=folder) as temporary,
        threadpoolctl.threadpool_limits(1),
    ):
        paths = write(Path(temporary), rows)
        file = {
            "bytes": paths[0].stat().st_size,
            "rows": rows,
            "rates": rates(paths),
            "memory": memory(paths, rows),
            "fit": fit(paths),
        }
    distributed_rows = min(rows, 2_000_000)
    with threadpoolctl.threadpool_limits(1):
        return {
            "file": file,
            "workers": {
                "number": 2,
                "rows": distributed_rows,
                "overhead": overhead(distributed_rows),
                "killed": killed(distributed_rows),
            },
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("gib", type=float, nargs="?", default=4, help="size of the file in GiB")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the file is written")
    arguments = parser.parse_args()
    packages = ("numpy", "dask", "distributed")
    (blas,) = (
        {key: library[key] for key in ("internal_api", "version", "architecture")}
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas" and "numpy" in library["filepath"]
    )
    content = {
        "schema": 1,
        "date": date.today().isoformat(),
        "machine": {
            "processor": platform.machine(),
            "system": platform.system(),
            "cores": os.cpu_count(),
            "threads": 1,
        },
        "versions": {"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in packages},
        "blas": blas,
        "seed": SEED,
        "columns": COLUMNS,
        **measure(arguments.gib, arguments.folder),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
