"""The command `logisticbp check`: whether derivatives are right, and what is wrong with them."""

import argparse
import contextlib
import inspect
import os
import signal
import sys
import sysconfig
import traceback
from pathlib import Path
from typing import Any

from reference_impl.check import anything, inputs, objects
from reference_impl.check.report import Report

Inputs = dict[str, Any]

STATUS = {"right": 0, "wrong": 1, "cannot tell": 2}
CLAIMS = ("vjp", "jvp", "grad", "jacobian", "hessian", "hvp")
FOREIGN = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
EXAMPLES = """\
examples:
  logisticbp check my_layers.py:Swish --input "z=normal(5,3)"
  logisticbp check my_layers:Linear --input "W=normal(2,3)" --input "z=normal(5,3)"
  logisticbp check my_losses:nll --grad my_losses:nll_gradient --wrt w \\
      --input "w=normal(3)" --input "X=normal(6,3)" --input "y=integers(0,2,6)"
  logisticbp check my_modules:net --input "x=normal(5,3)"

status: 0 right, 1 wrong, 2 cannot tell, or bad input
"""


class UsageError(Exception):
    """What the user asked for cannot be done; the message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Check what is named on the command line, and return 0 right, 1 wrong, 2 cannot tell.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process, if they are not given.

    Returns
    -------
    int
    """
    options = parser().parse_args(arguments)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what the object prints is no report
            report = checked(options)
            if options.reproduce:
                with Path(options.reproduce).open("x", encoding="utf-8") as file:
                    file.write(report.reproduce())
        print(report.to_json() if options.json else report, flush=True)
        return STATUS[report.verdict]
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (Exception, SystemExit) as problem:
        print(said(problem), file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    module = Path(sys.argv[0]).name == "__main__.py"
    top = argparse.ArgumentParser(
        prog="python -m reference_impl.check" if module else "logisticbp check",
        description="Are the derivatives of an object right, and if not, what is wrong with them?",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "object",
        metavar="MODULE:OBJECT",
        help="or FILE.py:OBJECT: a layer, a class, a function, a module of PyTorch",
    )
    top.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=WHAT",
        help="normal(SIZES), uniform(LOW,HIGH,SIZES), integers(LOW,HIGH,SIZES), a number, or a "
        "path to .npy or .npz; once for each argument, of a class those of its constructor included",
    )
    for claim in CLAIMS:
        top.add_argument(
            f"--{claim}", metavar="MODULE:FUNCTION", help=f"what is said to be the {claim}"
        )
    top.add_argument(
        "--wrt", metavar="NAMES", help="of a function's arguments: the others are constants"
    )
    top.add_argument(
        "--params", metavar="NAMES", help="of a layer's parameters, apart by commas: W,b"
    )
    top.add_argument(
        "--style",
        choices=anything.STYLES,
        help="found from the object; needed for a plain function that torch or jax differentiates",
    )
    top.add_argument("--seed", type=whole, default=0, help="of all that is random (0)")
    top.add_argument("--budget", type=seconds, default=10.0, help="in seconds (10)")
    top.add_argument("--json", action="store_true", help="print the report as JSON")
    top.add_argument("--reproduce", metavar="FILE", help="write a program that repeats the check")
    return top


def whole(text: str) -> int:
    """Read a seed."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 on, given {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Read a time."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds > 0, given {text!r}")
    return value


def checked(options: argparse.Namespace) -> Report:
    """Bring what the options name, and check it."""
    brought = objects.named(options.object)
    claims = {c: objects.named(name) for c in CLAIMS if (name := getattr(options, c))}
    for name in ("params", "wrt"):
        if (asked := getattr(options, name)) is not None:
            claims[name] = [part.strip() for part in asked.split(",")]
    arrays = inputs.arrays(options.input, options.seed)
    brought, arrays = constructed(options.object, brought, arrays)
    style = options.style or anything.style_of(brought)
    if style == "function" and not claims.keys() & set(CLAIMS):
        raise UsageError(
            f"{options.object}: nothing is claimed of this function; name its derivative by --grad, "
            "--vjp or the like, or say --style torch or --style jax if one of these differentiates it"
        )
    arguments = in_order(options.object, brought, arrays)
    return anything.check_anything(
        brought, *arguments, style=style, seed=options.seed, budget=options.budget, **claims
    )


def constructed(name: str, brought: Any, arrays: Inputs) -> tuple[Any, Inputs]:
    """Return an object of a class, made of the inputs with the names that it takes, and the rest."""
    if not isinstance(brought, type) or anything.is_torch_function(brought):
        return brought, arrays
    taken = positional(brought)
    if missing := [p.name for p in taken if p.default is p.empty and p.name not in arrays]:
        raise UsageError(
            f"{name}: to make one, {', '.join(missing)} is needed: "
            f'give --input "{missing[0]}=normal(3)" or "{missing[0]}=0.5", or name an object in '
            "place of the class"
        )
    own = {p.name: arrays[p.name] for p in taken if p.name in arrays}
    return brought(**own), {n: array for n, array in arrays.items() if n not in own}


def in_order(name: str, brought: Any, arrays: Inputs) -> list[Any]:
    """Return the inputs as the positional arguments that their names stand for."""
    f = getattr(brought, "forward", brought)
    taken = [p for p in positional(f) if not (isinstance(brought, type) and p.name == "ctx")]
    if not taken:  # not known, or any number of them
        return list(arrays.values())
    names = [p.name for p in taken]
    if foreign := [n for n in arrays if n not in names]:
        raise UsageError(f"--input {foreign[0]}: {name} takes {', '.join(names)}")
    arguments = []
    last = max((names.index(n) for n in arrays), default=-1)
    for position, p in enumerate(taken):
        if p.name in arrays:
            arguments.append(arrays[p.name])
        elif p.default is p.empty:
            raise UsageError(
                f'{name}: an input for {p.name} is needed, such as --input "{p.name}=normal(5,3)"'
            )
        elif position < last:
            arguments.append(p.default)
    return arguments


def positional(f: Any) -> list[inspect.Parameter]:
    """Return the parameters of f that stand by position; none where they are not known."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def said(problem: BaseException) -> str:
    """Return an error in one line, with the place in the code of the user where it arose."""
    own = str(Path(__file__).parent)
    frames = [
        frame
        for frame in traceback.extract_tb(problem.__traceback__)
        if not frame.filename.startswith(("<", own, *FOREIGN))
    ]
    text = " ".join(str(problem).split()) or "without a message"
    text = "; ".join([text, *getattr(problem, "__notes__", ())])
    if not frames:
        known = isinstance(problem, ImportError | OSError | TypeError | ValueError)
        known = known or isinstance(problem, UsageError | objects.NotFound)
        return text if known else f"{type(problem).__name__}: {text}"
    place = frames[-1]
    inside = "" if place.name == "<module>" else f", in {place.name}"
    path = os.path.relpath(place.filename)
    return f"{path}, line {place.lineno}{inside}: {type(problem).__name__}: {text}"
