"""The result files that the pages show."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Where the results stand, and what stands for a file that is missing; a setting statements_<kind> of
# Sphinx names another place.
FILES = {
    "formulas": ("docs/downloads/formulas.json", {"statements": [], "symbols": []}),
    "verification": ("build/verification.json", {"statements": {}}),
    "evidence": ("benchmarks/results/evidence.json", {"statements": {}}),
    "errata": ("build/errata.json", {"errata": [], "note": []}),
    "peers": ("benchmarks/results/peers.json", {"agreement": {}}),
}

# What a level of verification means, in one sentence: the tooltip of the badge.
LEVELS = {
    "proved, all sizes, restated": "Every step is proved for symbolic sizes by the index calculus, "
    "and the result again by a second, independent generic route.",
    "proved, all sizes": "Every step is proved for symbolic sizes N, n, K and M.",
    "proved, scalar": "Every step is proved as an identity between functions of one variable.",
    "lemma": "The formulas are proved; one or more steps are prose. Each of them is marked.",
    "evidence": "Not proved: the two sides agree modulo primes or at 50 digits.",
    "definition": "Nothing to prove: a name is given.",
}
NOT_VERIFIED = "The last verification did not establish this statement."


# The verification routes: key in the results, letter of the mark, what the mark stands for.
ROUTES = (
    ("rule", "R", "the named rule itself was checked"),
    ("all sizes", "A", "proved for all sizes"),
    ("restated", "L", "proved again by rest-lumping"),
    ("fingerprints", "F", "equal modulo primes at random points and sizes"),
    ("50 digits", "D", "equal at 50 digits, derivatives as differences"),
)
ORACLES = {
    "50 digits": "the derived statement at 50 digits",
    "differences": "Richardson-extrapolated differences",
    "loops": "plain Python loops",
}


@dataclass(frozen=True)
class Results:
    """What the statements say, and what their verification, the tests and the peers found."""

    formulas: dict
    verification: dict
    evidence: dict
    errata: dict
    peers: dict

    @cached_property
    def statements(self):
        """The records by id, in reading order."""
        return {record["id"]: record for record in self.formulas["statements"]}

    @cached_property
    def titles(self):
        """The titles by id, with the concept where statements of two have the same title."""
        times = Counter(record["title"] for record in self.formulas["statements"])
        return {
            name: record["title"] if times[record["title"]] == 1
            else f"{record['title']} ({record['concept'].replace('_', ' ')})"
            for name, record in self.statements.items()
        }  # fmt: skip

    @cached_property
    def symbols(self):
        """The symbols by name."""
        return {symbol["name"]: symbol for symbol in self.formulas["symbols"]}

    def level(self, record):
        """The level that the last verification found, or what the statement claims without one."""
        found = self.verification["statements"].get(record["id"])
        if found is None:
            return record["level"]
        return "not verified" if found["failures"] or found["flagged"] else found["level"]

    def errata_of(self, identifier):
        """The rows of the errata that say that a statement is what is right."""
        return [
            row for row in self.errata["errata"]
            if identifier in (statement["id"] for statement in row["right"])
        ]  # fmt: skip

    def digest(self, identifier):
        """What is known of a statement hashes to."""
        found = [
            (self.verification, "statements"),
            (self.evidence, "statements"),
            (self.peers, "agreement"),
        ]
        about = [self.statements[identifier], self.errata_of(identifier)]
        about += [(r.get("date"), r.get("versions"), r[key].get(identifier)) for r, key in found]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()


@cache
def _parsed(path, _modified):
    return json.loads(path.read_text(encoding="utf-8"))


def loaded(path, missing=None):
    """Read a JSON file, once for each version of it; `missing` stands for one that is not there."""
    path = Path(path)
    gone = missing is not None and not path.exists()
    return missing if gone else _parsed(path, path.stat().st_mtime_ns)


def complaints(formulas, *others):
    """Say which of the files are missing, or older than the formulas that they are about."""
    if not Path(formulas).exists():
        return [f"{formulas} is missing: run `make derive`"]
    written = Path(formulas).stat().st_mtime
    return [
        f"{path} is {'older than the formulas' if Path(path).exists() else 'missing'}"
        ": run `make docs`, which writes it"
        for path in others
        if not Path(path).exists() or Path(path).stat().st_mtime < written
    ]


def put(file, content):
    """Write a file unless it is what stands there: a page that depends on it is not read again."""
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def write_pages(folder, pages):
    """Write the sources of generated pages, by name, and leave no other in their folder."""
    for file in folder.glob("*.md"):
        if file.stem not in pages:
            file.unlink()
    for name, text in pages.items():
        put(folder / f"{name}.md", text.encode())


def measured(formulas):
    """Return what the implementation and the formulas hash to: what the evidence is about.

    It says nothing of the checker of other people's derivatives, on which nothing here rests.
    """
    room = ROOT / "reference_impl"
    sources = sorted({*room.rglob("*.py")} - {*(room / "check").rglob("*.py")})
    content = [*sources, Path(formulas)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in content)).hexdigest()


def stale(evidence, formulas):
    """Say that the evidence is missing, or is about other sources than those that are there."""
    if not Path(formulas).exists():
        return []
    found = loaded(evidence, {})
    if found.get("measured") == measured(formulas):
        return []
    return [f"{evidence} is {'not about these sources' if found else 'missing'}: run `make test`"]
