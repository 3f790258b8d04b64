"""The run of ``python -m benchmarks.accuracy``: the largest errors, ours and those of others."""

from _extensions.tables import Table, code, ulps

PEERS = ("SciPy", "PyTorch", "JAX")
# The name of each function in the run and in reference_impl.
NAMES = {
    "sigmoid": "sigmoid.sigmoid",
    "log_sigmoid": "sigmoid.log_sigmoid",
    "softplus": "sigmoid.softplus",
    "binary_loss": "sigmoid.losses",
    "binary_residual": "sigmoid.residuals",
    "logsumexp": "softmax.logsumexp",
    "log_softmax": "softmax.log_softmax",
    "softmax": "softmax.softmax",
    "residual": "softmax.residuals",
    "loss": "softmax.losses",
}
FUNCTION = lambda row: code(NAMES[row[0]])  # noqa: E731 - a column


def _worst(who):
    return lambda row: ulps(row[1]["worst"][who]["ulp"])


def _fast(run):
    return [row for row in run["functions"].items() if "one pass" in row[1]]


def numbers(run):
    """Return the numbers by name."""
    ours = {name: record["worst"]["ours"]["ulp"] for name, record in run["functions"].items()}
    return {
        "cases": f"{min(record['cases'] for record in run['functions'].values()):,}",
        "values": f"{sum(record['values'] for record in run['functions'].values()):,}",
        "largest": ulps(max(ours.values())),
        "logsumexp": ulps(ours["logsumexp"]),
        "largest in one pass": ulps(max(record["one pass"]["ulp"] for _, record in _fast(run))),
    }


def errors(run):
    """Return the largest error of each function, by library."""
    return Table(list(run["functions"].items()), [
        ("Largest error in ulp", FUNCTION),
        ("Ours", _worst("ours")),
        *((peer, _worst(peer)) for peer in PEERS),
        ("Inputs", lambda row: f"{row[1]['cases']:,}"),
    ])  # fmt: skip


def worst(run):
    """Return the input at which our error is largest."""

    def given(row):
        case = row[1]["worst"]["ours"]
        z = case["z"]
        text = ", ".join(map(repr, z)) if isinstance(z, list) else str(z)
        return f"{text}; label {case['y']}" if "y" in case else text

    columns = [("Function", FUNCTION), ("ulp", _worst("ours")), ("Input", given)]
    return Table(list(run["functions"].items()), columns, kind="")


def bounds(run):
    """Return which part of the proved bounds is used."""
    return Table(list(run["bounds"].items()), [
        ("Largest part of the bound",
         lambda row: row[0].replace("logsumexp below 0.1", "logsumexp, result below 0.1")),
        ("As analysed there", lambda row: f"{100 * float(row[1]['plain']):.3g} %"),
        ("Ours", lambda row: f"{100 * float(row[1]['ours']):.3g} %"),
        ("Inputs", lambda row: f"{row[1]['cases']:,}"),
    ])  # fmt: skip


def one_pass(run):
    """Return the errors of the functions that are made for speed, beside the accurate ones."""
    return Table(_fast(run), [
        ("Largest error in ulp", FUNCTION),
        ("As a function", _worst("ours")),
        ("Inside nll_and_gradient", lambda row: ulps(row[1]["one pass"]["ulp"])),
        ("Inputs there", lambda row: f"{row[1]['one pass']['cases']:,}"),
    ])  # fmt: skip
