"""Every face of a new statement, to be filled in: derivation, implementation, test, page."""

from __future__ import annotations

from pathlib import Path


class Exists(ValueError):
    """There is a statement of that name already, or the name is none."""


DERIVATION = """

{name} = state(
    "{title}",
    "Why one wants it, in one sentence.",
    prove(d(QUANTITY, VARIABLE), differentiate(QUANTITY), contract),
)
"""
IMPLEMENTATION = '''

def {name}(z: np.ndarray) -> np.ndarray:
    """Return the formula; ``{id}``.

    Parameters
    ----------
    z
        Its shape.

    Returns
    -------
    numpy.ndarray
        Its shape.

    Raises
    ------
    ValueError
        When an argument is not of that shape.
    """
    return z
'''
TEST = """

def test_{name}():
    z = [[-2.0, 0.0, 3.0]]
    expected = derived.table("{id}", {{"z": z}})
    check({concept}.{name}(z), expected, statement="{id}", oracle="derived", case="one", ulp=4)
"""
PAGE = """
## {title}

```{{container}} question
The question that it answers?
```

```{{statement}} {id}
```

Why it is so, in words, and a number to check by hand.
"""


def faces(identifier: str, root: Path) -> dict[Path, str]:
    """Return what is to be added to which file.

    Parameters
    ----------
    identifier
        ``concept.name``; ids are permanent.
    root
        The folder of the project.

    Raises
    ------
    Exists
        When the id is none, or belongs to a statement already.
    """
    concept, dot, name = identifier.partition(".")
    if not (dot and concept.isidentifier() and name.isidentifier()):
        raise Exists(f"expected concept.name, such as softmax.temperature, got {identifier!r}")
    words = {
        "concept": concept,
        "name": name,
        "id": identifier,
        "title": name.replace("_", " ").capitalize(),
    }
    files = {
        root / f"derivations/{concept}.py": DERIVATION,
        root / f"reference_impl/{concept}.py": IMPLEMENTATION,
        root / f"tests/test_{concept}.py": TEST,
        root / f"docs/{concept}.md": PAGE,
    }
    script = root / f"derivations/{concept}.py"
    if script.exists() and f"\n{name} = " in script.read_text(encoding="utf-8"):
        raise Exists(f"{identifier} is there already")
    return {path: form.format(**words) for path, form in files.items()}


def write(additions: dict[Path, str]) -> None:
    """Add each part to its file; a script's last lines, which run it, stay last."""
    for path, text in additions.items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        body, mark, end = old.partition('\nif __name__ == "__main__":')
        path.write_text(
            body.rstrip("\n") + "\n" + text + ("\n" + mark + end if mark else ""), encoding="utf-8"
        )
