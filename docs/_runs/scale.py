"""The run of ``benchmarks.scale``: data beyond memory, and workers."""

from _extensions.tables import Table, duration, size

PASSES = {
    "read": "reading, and nothing else",
    "nll_and_gradient": "NLL and gradient",
    "nll_hvp": "Hessian-vector product",
    "nll_hessian": "Hessian",
}


def numbers(run):
    """Return the numbers by name."""
    disk = {row["pass"]: row["disk"] for row in run["file"]["rates"]}
    few, *_, many = sorted(run["workers"]["overhead"], key=lambda row: row["chunks"])
    return {
        "of_the_disk": f"{disk['nll_and_gradient'] / disk['read']:.2f}",
        "few_chunks": str(few["chunks"]),
        "few_ratio": f"{few['workers'] / few['one_process']:.2f}",
        "many_chunks": f"{many['chunks']:,}",
        "task": duration((many["workers"] - few["workers"]) / (many["chunks"] - few["chunks"])),
        "array_ratio": f"{many['dask_array'] / many['workers']:.1f}",
    }


def rates(run):
    """Return the rates of the passes over a file."""
    return Table(run["file"]["rates"], [
        ("A pass over the file", lambda row: PASSES[row["pass"]]),
        ("From the disk, GB/s", lambda row: f"{row['disk']:.2f}"),
        ("From the page cache, GB/s", lambda row: f"{row['page_cache']:.2f}"),
    ])  # fmt: skip


def memory(run):
    """Return the memory that each pass takes, by the size of the data."""
    return Table(run["file"]["memory"], [
        ("Data", lambda row: size(row["bytes"])),
        *((said, lambda row, name=name: size(row[name]))
          for name, said in PASSES.items() if name != "read"),
    ])  # fmt: skip


def overhead(run):
    """Return the times of value and gradient by chunks."""
    return Table(run["workers"]["overhead"], [
        ("Chunks", lambda row: f"{row['chunks']:,}"),
        ("Block function on two workers", lambda row: duration(row["workers"])),
        ("In one process", lambda row: duration(row["one_process"])),
        ("Dask array expression", lambda row: duration(row["dask_array"])),
    ])  # fmt: skip
