"""The command line: list, show, verify and export the statements."""

from __future__ import annotations

import argparse
import datetime
import difflib
import hashlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

import derivations
from derivations import new, notation
from derivations.language.statement import Prose, Statement, Step, count_lines
from derivations.prints import derived, drop_in, record as records
from derivations.prints.lines import assumption, compared, defined, line, results, why
from derivations.prints.mathematics import LATEX, TEXT, show
from derivations.proof import ledger
from derivations.proof.verification import ROUTES, Report, verify

BUILD = Path("build")
FORMATS = ("text", "latex", "markdown", "sympy", "numpy", "javascript", "json", *drop_in.FORMS)
DERIVED = (
    *("text", "latex", "markdown", "numpy", "javascript", "sympy", "json", "html"),
    *drop_in.FORMS,
)
MARKS = {
    "proved": "[green]✓[/]",
    "agrees": "[green]≈[/]",
    "not proved": "[red]–[/]",
    "refuted": "[red]✗[/]",
    "not applicable": "",
}
Reports = Mapping[str, ledger.Record]


class UsageError(Exception):
    """What the user asked for does not exist or cannot be done; the message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    if (further := commands_beside().get(given[0] if given else "")) is not None:
        run = further.load()
        return guarded(lambda: int(run(given[1:])))
    options = parser().parse_args(given)
    return guarded(lambda: int(options.run(options)))


def commands_beside() -> dict[str, EntryPoint]:
    """Return the commands that other packages add; each reads its own arguments."""
    return {point.name: point for point in entry_points(group="logisticbp.commands")}


def guarded(run: Callable[[], int]) -> int:
    """Run a command; what a user can cause ends in one clear line."""
    try:
        status = run()
        sys.stdout.flush()
        return status
    except UsageError as problem:
        print(f"{problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as problem:
        print(f"{problem.filename or 'output'}: {problem.strerror}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    module = Path(sys.argv[0]).name == "__main__.py"
    name = "python -m derivations" if module else "logisticbp"
    top = argparse.ArgumentParser(prog=name, description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="ids, levels and titles of all statements")
    command.set_defaults(run=list_statements)

    command = commands.add_parser("show", help="one statement, in the form needed")
    command.add_argument("id", help="such as logistic.nll_gradient")
    command.add_argument("--format", choices=FORMATS, default="text")
    command.set_defaults(run=show_statement)

    command = commands.add_parser(
        "derive", help="the derivative of a forward pass of your own, step by step"
    )
    command.add_argument("file", metavar="FILE[:NAME]", help="a Python file, and a quantity in it")
    command.add_argument(
        "--by", required=True, metavar="VARIABLE", help="for torch and jax several, apart by commas"
    )
    command.add_argument("--twice", metavar="VARIABLE", help="the variable of a second derivative")
    command.add_argument("--keep", metavar="NAMES", help="names that stay, apart by commas")
    command.add_argument("--format", choices=DERIVED, default="text")
    command.set_defaults(run=derive_formula)

    command = commands.add_parser("new", help="every face of a new statement, to be filled in")
    command.add_argument("id", help="such as softmax.temperature")
    command.set_defaults(run=new_statement)

    command = commands.add_parser("verify", help="verify statements; status 1 when one fails")
    command.add_argument(
        "ids", nargs="*", metavar="ID", help="statements or concepts; default: all"
    )
    command.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes")
    command.add_argument("--out", type=Path, default=BUILD, help="folder of verification.json")
    command.add_argument("--fresh", action="store_true", help="do not use the ledger of past runs")
    command.set_defaults(run=verify_statements)

    command = commands.add_parser("export", help="write formulas.json and formulas.tex")
    command.add_argument("--out", type=Path, required=True, metavar="DIR")
    command.add_argument("--check", action="store_true", help="compare and print the difference")
    command.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, help="processes")
    command.set_defaults(run=export_statements)

    for name in commands_beside():
        commands.add_parser(name, help=f"what it takes: {top.prog} {name} --help")
    return top


def positive(text: str) -> int:
    """Read a number of processes."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def console(width: int = 160) -> Console:
    """Return a console as wide as the terminal, or wide enough for a file."""
    return (
        Console(highlight=False) if sys.stdout.isatty() else Console(width=width, highlight=False)
    )


# -- which statements -------------------------------------------------------------------------------


def chosen(ids: list[str]) -> dict[str, Statement]:
    """Return the statements with these ids or of these concepts; all without any."""
    every = derivations.statements()
    found: dict[str, Statement] = {}
    for name in ids or every:
        if name in every:
            found[name] = every[name]
        elif name in derivations.READING_ORDER:
            found |= {key: value for key, value in every.items() if key.startswith(f"{name}.")}
        else:
            near = difflib.get_close_matches(name, every, n=3, cutoff=0.4)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise UsageError(f"there is no statement {name!r}{hint}")
    return found


def names() -> dict[int, str]:
    """Return the id of each statement object."""
    return {id(statement): name for name, statement in derivations.statements().items()}


def verified(
    statements: Mapping[str, Statement], out: Path, jobs: int, fresh: bool = False
) -> Reports:
    """Verify statements, with a progress bar on a terminal."""
    places = {
        name: (f"derivations.{name.split('.')[0]}", name.split(".")[1]) for name in statements
    }
    bar = Progress(
        TextColumn("{task.description:34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,  # by a thread
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("verifying", total=len(places))

        def done(name: str, _: ledger.Record) -> None:
            bar.update(task, advance=1, description=name, refresh=True)

        return ledger.verify_all(places, None if fresh else out / "ledger.json", jobs, done)


# -- the commands -----------------------------------------------------------------------------------


def list_statements(options: argparse.Namespace) -> int:
    """Print ids, levels and titles; a level is shown as far as it is known to the ledger."""
    statements = derivations.statements()
    levels = known_levels(statements)
    table = Table(Column("id", no_wrap=True), "level", "title", box=None, header_style="bold")
    for name, statement in statements.items():
        table.add_row(name, levels.get(name, "not verified yet"), escape(statement.title))
    console().print(table)
    return 0


def known_levels(statements: Mapping[str, Statement]) -> dict[str, str]:
    """Return the levels that are known.

    While no source has changed since all were verified, that run says them; else each statement
    is derived, and the ledger says what was found for just what it says now.
    """
    try:
        last = json.loads((BUILD / "verification.json").read_text(encoding="utf-8"))
        if last["sources"] == sources():
            return {name: str(report["level"]) for name, report in last["statements"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    known = ledger.load(BUILD / "ledger.json")
    reports = {name: known.get(ledger.key(statement)) for name, statement in statements.items()}
    return {name: str(report["level"]) for name, report in reports.items() if report}


def sources() -> str:
    """Return a hash of every source that a statement or a verdict depends on."""
    root = Path(__file__).parent
    content = [path.read_bytes() for path in sorted(root.rglob("*.py"))]
    return hashlib.sha256(b"".join(content) + str(ledger.versions()).encode()).hexdigest()


def show_statement(options: argparse.Namespace) -> int:
    """Print one statement."""
    ((name, statement),) = chosen_one(options.id).items()
    if options.format == "text":
        print_statement(name, statement, None)
        return 0
    if options.format == "markdown":
        print(markdown(name, statement))
        return 0
    if options.format == "json":
        print(json.dumps(record_of(name, statement), indent=1, ensure_ascii=False))
        return 0
    if options.format in drop_in.FORMS:
        called = drop_in.called(name)
        source = drop_in.drop_in(options.format, [(statement, known_level(statement))], called)
        if source is None:
            raise UsageError(
                f"{name} has no {options.format} form: it is no derivative of a number, and not what "
                "the deltas of a layer become"
            )
        print(source.rstrip())
        return 0
    code = records.written(options.format, statement, name)
    if code is None:
        raise UsageError(f"{name} has no {options.format} form: it is no formula to evaluate")
    print(code.rstrip())
    return 0


@ledger.without_search_for_cycles()
def derive_formula(options: argparse.Namespace) -> int:
    """Derive a formula, verify it, and print it in the form that is asked for."""
    from derivations import forward_pass
    from derivations.derive import derive, unproved

    path, _, name = options.file.partition(":")
    try:
        forward = forward_pass.read(Path(path), name)
        drops_in = options.format in drop_in.FORMS
        found, *more = [
            derive(
                forward.quantity,
                forward.variable(by.strip()),
                forward.variable(options.twice) if options.twice else None,
                forward.named(options.keep) if options.keep else None,
                forward.given,
            )
            for by in (options.by.split(",") if drops_in else [options.by])
        ]
    except (forward_pass.NotFound, ValueError) as problem:
        raise UsageError(str(problem)) from problem
    variables = "_".join(filter(None, (options.by, options.twice)))
    called = f"{Path(path).stem}.{name or forward.quantity.name}_by_{variables}"
    if options.format in derived.CODE:
        source = records.written(options.format, found.result, called)
        if source is None:
            raise UsageError(f"{found.result.title}: it has no {options.format} form")
        print(source.rstrip())
        return 0
    if options.format == "latex":
        print(derived.latex(found.statements))
        return 0
    statements = [s for one in (found, *more) for s in one.statements]
    reports = [verify_one(statement) for statement in statements]
    levels = [report.level for report in reports]
    if "failed" in levels and (missing := unproved(forward.quantity, forward.given)):
        raise UsageError(missing[0])
    match options.format:
        case "text":
            print(derived.text(found.statements, levels))
        case "markdown":
            print(derived.markdown(found.statements, levels))
        case "json":
            print(derived.as_json(found.statements, levels, found.result, called))
        case "html":
            from derivations.prints import page

            print(page.html(found.statements, levels, found.result, called))
        case _:
            said = [
                pair
                for one in (found, *more)
                for pair in zip(statements, levels, strict=True)
                if pair[0] in (one.result, *one.further)
            ]
            function = "_".join(filter(None, (Path(path).stem, name)))
            source = drop_in.drop_in(options.format, said, function)
            if source is None:
                raise UsageError(f"{found.result.title}: it has no {options.format} form")
            print(source.rstrip())
    for statement, report in zip(statements, reports, strict=True):
        for failure in report.failures:
            print(f"{statement.title}: {failure}", file=sys.stderr)
    return int("failed" in levels)


def new_statement(options: argparse.Namespace) -> int:
    """Write every face of a statement in the folder of the project."""
    try:
        additions = new.faces(options.id, Path.cwd())
    except new.Exists as problem:
        raise UsageError(str(problem)) from problem
    if not (Path.cwd() / "derivations").is_dir():
        raise UsageError("new: expected to be run in the folder of the project")
    new.write(additions)
    for path in additions:
        print(path.relative_to(Path.cwd()))
    return 0


def verify_one(statement: Statement) -> Report:
    """Verify a statement, with a line on a terminal that says which."""
    terminal = sys.stderr.isatty()
    if terminal:
        print(f"\rverifying: {statement.title:60}", end="", file=sys.stderr, flush=True)
    report = verify(statement)
    if terminal:
        print("\r" + " " * 72, end="\r", file=sys.stderr, flush=True)
    return report


def chosen_one(name: str) -> dict[str, Statement]:
    """Return one statement by its id."""
    if name in derivations.READING_ORDER:
        raise UsageError(f"{name} is a concept; name one of {', '.join(chosen([name]))}")
    return chosen([name])


def record_of(name: str, statement: Statement) -> dict[str, object]:
    """Return a statement as data, with the level of the last verification where it is known."""
    return as_data(name, statement, known_level(statement))


def known_level(statement: Statement) -> str:
    """Return the level of the last verification of a statement, where it is known."""
    report = ledger.load(BUILD / "ledger.json").get(ledger.key(statement))
    return str(report["level"]) if report else "not verified yet"


def as_data(name: str, statement: Statement, level: str) -> dict[str, object]:
    """Return a statement as data."""
    try:
        return records.record(name, statement, names(), level, notation.TABLE)
    except records.UnknownSymbol as problem:
        raise UsageError(str(problem)) from problem


def verify_statements(options: argparse.Namespace) -> int:
    """Verify, print a table, write verification.json."""
    began = time.perf_counter()
    statements = chosen(options.ids)
    reports = verified(statements, options.out, options.jobs, options.fresh)
    seconds = time.perf_counter() - began
    table = Table(
        Column("statement", no_wrap=True), "level", "all sizes", "restated", "fingerprints",
        "50 digits", "points", "flag", "seconds", box=None, header_style="bold",
    )  # fmt: skip
    for name, report in reports.items():
        routes = report["routes"]
        assert isinstance(routes, dict)
        marks = [MARKS[routes[route]] for route in ROUTES]
        flag = "[red]vacuous[/]" if report["flagged"] else ""
        level = str(report["level"])
        shown = f"[red]{level}[/]" if level == "failed" else level
        table.add_row(name, shown, *marks, str(report["points"]), flag, f"{report['seconds']:.2f}")
    out = console()
    out.print(table)
    bad = {name: report for name, report in reports.items() if report["failures"]}
    for name, report in bad.items():
        for failure in report["failures"]:  # type: ignore[attr-defined]
            out.print(f"[red]{name}[/]: {escape(failure)}", soft_wrap=True)
    claims = {name: statements[name].level for name in reports if name not in bad}
    unmet = [name for name, level in claims.items() if reports[name]["level"] != level]
    for name in unmet:
        reached = reports[name]["level"]
        out.print(f"[red]{name}[/]: claims {claims[name]!r}, is {reached!r}", soft_wrap=True)
    unknown = unknown_symbols(statements)
    for problem in unknown:
        out.print(f"[red]{escape(problem)}[/]", soft_wrap=True)
    vacuous = [name for name, report in reports.items() if report["flagged"]]
    spent = sum(float(str(report["seconds"])) for report in reports.values())
    out.print(
        f"{len(reports)} statements, {len(bad)} failed, {len(vacuous)} flagged, "
        f"{len(unmet)} not as claimed; "
        f"{spent:.1f} s of proof, {seconds:.1f} s now"
    )
    out.print(str(count_lines(statements.values())), soft_wrap=True)
    if not options.ids:
        document = {
            "date": today(),
            "sources": sources(),
            "versions": ledger.versions(),
            "seconds": spent,
            "statements": {
                name: records.aligned(statements[name], report) for name, report in reports.items()
            },
        }
        path = options.out / "verification.json"
        ledger.write(path, json.dumps(document, indent=1) + "\n")
        os.utime(path)
    return 1 if bad or unmet or vacuous or unknown else 0


def unknown_symbols(statements: Mapping[str, Statement]) -> list[str]:
    """Return a message for each statement with a symbol that nothing explains."""
    problems = []
    for name, statement in statements.items():
        try:
            records.symbols(name, statement, notation.TABLE)
        except records.UnknownSymbol as problem:
            problems.append(str(problem))
    return problems


def today() -> str:
    """Return the date of a run, or the one that a reproducible build prescribes."""
    stamp = os.environ.get("SOURCE_DATE_EPOCH")
    moment = float(stamp) if stamp else time.time()
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).date().isoformat()


def export_statements(options: argparse.Namespace) -> int:
    """Write the formulas with the level that a verification found, or compare them."""
    statements = derivations.statements()
    reports = verified(statements, BUILD, options.jobs)
    entries = [
        as_data(name, statement, str(reports[name]["level"]))
        for name, statement in statements.items()
    ]
    files = {
        "formulas.json": records.formulas_json(entries, notation),
        "formulas.tex": records.formulas_tex(entries),
    }
    if options.check:
        return compare(options.out, files)
    for name, content in files.items():
        ledger.write(options.out / name, content)
    print(f"{len(entries)} statements in {options.out}")
    return 0


def compare(folder: Path, files: Mapping[str, str]) -> int:
    """Print how files differ from what would be written."""
    status = 0
    for name, content in files.items():
        path = folder / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        difference = difflib.unified_diff(
            old.splitlines(),
            content.splitlines(),
            f"{path} (there)",
            f"{path} (derived)",
            n=1,
            lineterm="",
        )
        for text in difference:
            print(text)
            status = 1
    return status


# -- one statement on a terminal ---------------------------------------------------------------------


def print_statement(name: str, statement: Statement, report: ledger.Record | None) -> None:
    """Print a statement with its steps and reasons, and the verdicts of a report."""
    out = console()
    level = f"  [dim]{report['level']}[/]" if report else ""
    out.print(f"[bold]{name}[/]  {escape(statement.title)}{level}")
    for hypothesis in statement.given:
        out.print(f"  given: {escape(plain(assumption(hypothesis, TEXT)))}", soft_wrap=True)
    for definition in statement.defines:
        out.print(f"  {escape(defined(definition, TEXT))}", soft_wrap=True)
    for number, chain in enumerate(statement.chains):
        if chain.title:
            out.print(f"  [italic]{escape(plain(chain.title))}[/]")
        found = report["chains"][number]["steps"] if report else ()  # type: ignore[index]
        verdicts = iter(found)
        out.print(f"    {escape(show(chain.left, TEXT))}", soft_wrap=True)
        for step in chain.steps:
            if isinstance(step, Prose):
                source = f" [{step.source}]" if step.source else ""
                out.print(f"      prose: {escape(plain(step.text) + source)}", soft_wrap=True)
                continue
            print_line(line(step, TEXT), plain(reasons(step)), marks(verdicts))
        if chain.matrix is not None:
            left, right = chain.matrix
            print_line(compared(left, "=", right, TEXT), "matrix form; typed", marks(verdicts))
    for failure in report["failures"] if report else ():  # type: ignore[attr-defined]
        out.print(f"  [red]failed[/] {escape(failure)}", soft_wrap=True)


def print_line(said: str, reason: str, verdicts: str) -> None:
    """Print one line with its reason."""
    console().print(f"      {escape(said)}   [dim]{escape(reason)}[/]{verdicts}", soft_wrap=True)


def reasons(step: Step, shown: Callable[[str], str] = str) -> str:
    """Return why a line is right, with the ids of what it uses."""
    return why(step, [shown(names()[id(cited)]) for cited in step.cites])


def marks(verdicts: Iterator[dict[str, Any]]) -> str:
    """Return the marks of the next line's verdicts."""
    found = next(verdicts, None)
    if found is None:
        return ""
    routes = "".join(MARKS[found["routes"][route]] for route in ROUTES)
    rule = {"checked": "[green]rule ✓[/]", "label": "[dim]rule named[/]"}.get(
        found["rule"], "[red]rule ✗[/]"
    )
    points = found["points"]
    return f"  {rule} {routes} [dim]{points} point{'' if points == 1 else 's'}[/]"


def plain(text: str) -> str:
    """Return text with the commonest LaTeX of its formulas written plainly."""
    text = re.sub(r"\\(?:[A-Za-z]+|.)", lambda found: PLAIN.get(found[0], found[0][1:]), text)
    return text.translate({ord("{"): "", ord("}"): "", ord("$"): ""}).translate(BRACES)


PLAIN = {
    r"\mathbf": "", r"\operatorname": "", r"\frac": "", r"\left": "", r"\right": "",
    r"\sigma": "σ", r"\lambda": "λ", r"\tau": "τ", r"\omega": "ω", r"\zeta": "ζ", r"\ell": "ℓ",
    r"\delta": "δ", r"\phi": "φ", r"\psi": "ψ", r"\nabla": "∇", r"\partial": "∂", r"\sum": "Σ",
    r"\cdot": "·", r"\ge": "≥", r"\le": "≤", r"\ne": "≠", r"\in": "∈", r"\infty": "∞", r"\to": "→",
    r"\top": "T", r"\,": " ", r"\{": "⟨", r"\}": "⟩",
}  # fmt: skip
BRACES = {ord("⟨"): "{", ord("⟩"): "}"}


def markdown(name: str, statement: Statement) -> str:
    """Return a statement as Markdown with LaTeX."""
    parts = [f"### {statement.title} (`{name}`)", statement.summary]
    parts += [f"- Given: {assumption(hypothesis)}" for hypothesis in statement.given]
    parts += [f"$$\n{equation}\n$$" for equation in results(statement, LATEX)]
    for chain in statement.chains:
        if chain.title:
            parts.append(f"*{chain.title}*")
        aligned = derived.aligned(chain, lambda step: reasons(step, records.tex_text))
        parts.append(f"$$\n{aligned}\n$$")
        parts += [f"{step.text} ({step.source})" for step in chain.steps if isinstance(step, Prose)]
    return "\n\n".join(parts)


def script(concept: str) -> int:
    """Print the statements of one concept with steps, reasons and verdicts; 1 when one fails."""

    def run() -> int:
        statements = chosen([concept])
        reports = verified(statements, BUILD, os.cpu_count() or 1)
        for name, statement in statements.items():
            print_statement(name, statement, reports[name])
            print()
        return int(any(report["failures"] or report["flagged"] for report in reports.values()))

    return guarded(run)


if __name__ == "__main__":
    sys.exit(main())
