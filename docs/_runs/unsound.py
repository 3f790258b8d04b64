"""The false statements of ``tests/proof/unsound.py``, and which route refuses which."""

from collections import Counter

from _extensions import card
from _extensions.elements import html
from _extensions.records import ROUTES
from _extensions.tables import Table


def summary(run):
    """Return how many there are, and how many each route refuses, accepts or says nothing of."""
    levels = Counter(one["level"] for one in run)
    kept = "; ".join(one["words"] for one in run if one["level"] != "failed")
    text = f"Of {levels.total()} false statements, {levels['failed']} fail."
    text += f" Not refused, and left as evidence: {kept}." if kept else ""
    said = {
        key: Counter(card.FOUND.get(one["verdicts"].get(key)) for one in run) for key, *_ in ROUTES
    }
    return [text, Table(ROUTES, [
        ("Route", lambda route: [html("b", route[1]), html("span", f" {route[2]}")]),
        ("Refuses", lambda route: str(said[route[0]]["no"])),
        ("Accepts", lambda route: str(said[route[0]]["yes"])),
        ("Says nothing", lambda route: str(said[route[0]]["label"] + said[route[0]][None])),
    ])]  # fmt: skip


def every(run):
    """Return a table of all of them, kind by kind."""

    def routes(one):
        verdicts = {"verdicts": one["verdicts"]}
        return card.verdict_marks(verdicts) if one["verdicts"] else "cannot be written"

    columns = [
        ("False statement", lambda one: one["words"]), ("Routes", routes),
        ("Level", lambda one: one["level"]),
    ]  # fmt: skip
    return Table(run, columns, kind="", group=lambda one: one["kind"])
