"""The run of ``benchmarks.separation``: what libraries return on separated data."""

from _extensions.tables import DASH, SPACE, Table, minus, power

TITLES = {
    "gap": "Six points, a gap",
    "tie": "Six points, a tie",
    "indicator": "An indicator",
    "breast cancer": "Breast cancer",
    "spector": "Spector",
    "three groups": "Three groups",
    "iris": "Iris",
    "iris without setosa": "Iris without setosa",
}
# The answers of the summary: a heading, the library and the first words of its setting.
SHOWN = (
    ("scikit-learn, as it is set", "scikit-learn", "lbfgs, tol = 0.0001"),
    ("scikit-learn, tol = 1e-12", "scikit-learn", "lbfgs, tol = 1e-12"),
    ("statsmodels, Newton", "statsmodels", "newton"),
)


def _magnitude(value):
    """Return a magnitude as the page shows it."""
    if value is None or isinstance(value, str):
        return value
    return minus(f"{value:.4g}" if value < 1e4 else power(value))


def _raised(answer):
    return answer["raised"].partition(":")[0]


def _returned(library, setting):
    """Return what says the largest coefficient and whether there was a warning, or the error."""

    def says(one):
        answer = next(
            a for a in one["answers"] if a["library"] == library and setting in a["setting"]
        )
        if answer["raised"]:
            return _raised(answer)
        silent = ", no warning" if one["verdict"]["kind"] != "overlap" else ""
        remark = ", warning" if answer["warnings"] else silent
        return f"{_magnitude(answer['largest_coefficient']) or DASH}{remark}"

    return says


def _said(answer):
    """Return in a few words what a library said beside its numbers."""
    if answer["raised"]:
        return _raised(answer)
    return ", ".join(sorted({w.partition(":")[0] for w in answer["warnings"]})) or "nothing"


def summary(run):
    """Return verdict and largest coefficients for each data set."""
    return Table(run["sets"], [
        ("Data", lambda one: TITLES[one["name"]]),
        ("Size", lambda one: f"{SPACE}\N{MULTIPLICATION SIGN}{SPACE}".join(map(str, one["shape"]))),
        ("Verdict", lambda one: one["verdict"]["kind"]),
        *((head, _returned(library, setting)) for head, library, setting in SHOWN),
    ], kind="")  # fmt: skip


def answers(run, name):
    """Return all that was returned for a data set."""
    [one] = [one for one in run["sets"] if one["name"] == name]
    equals = f"{SPACE}={SPACE}"  # a setting stays on its line
    converged = {True: "yes", False: "no", None: None}
    return Table(one["answers"], [
        ("Library", lambda a: f"{a['library']}: {a['setting']}".replace(" = ", equals)),
        ("Largest coefficient", lambda a: _magnitude(a["largest_coefficient"])),
        ("Largest standard error", lambda a: _magnitude(a["largest_standard_error"])),
        ("Says it converged", lambda a: converged[a["says_converged"]]),
        ("Warns or raises", _said),
    ], kind="")  # fmt: skip
