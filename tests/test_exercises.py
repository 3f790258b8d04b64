"""The exercises of the pages: each has a hint and an answer, and prints what its answer shows."""

import doctest
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXERCISE = re.compile(r"^`{5}\{container\} exercise\n(.*?)^`{5}$", re.MULTILINE | re.DOTALL)
FOLD = re.compile(r"^`{4}\{dropdown\} (\w+)\n(.*?)^`{4}$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"\A\*\*(\d+)\. ([^*]+)[.?]\*\* ")
CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What the title of an exercise says when the machine has a part in it.
MACHINE = ("Derive it: ", "Break it: ", "Check it: ")
LEARN = {"why-the-gradient", "sigmoid", "logistic", "softmax", "linear", "activations", "nll",
         "backpropagation"}  # fmt: skip


@dataclass(frozen=True)
class Exercise:
    """An exercise as a page has it."""

    page: str
    text: str

    @property
    def name(self):
        """The page and the number."""
        return f"{self.page} {TITLE.match(self.text)[1]}"

    @property
    def title(self):
        """What it is called."""
        return TITLE.match(self.text)[2]

    @property
    def folds(self):
        """What is folded away: pairs of a title and a text."""
        return FOLD.findall(self.text)

    @property
    def code(self):
        """The blocks of the answer: pairs of a language and a text."""
        return [
            block for title, text in self.folds if title == "Answer" for block in CODE.findall(text)
        ]


EXERCISES = [
    Exercise(page.stem, text)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for text in EXERCISE.findall(page.read_text())
]


def each(kind):
    """Return a parametrization over the blocks of a language."""
    cases = [(e, code) for e in EXERCISES for language, code in e.code if language == kind]
    return pytest.mark.parametrize(
        "code", [code for _, code in cases], ids=[e.name for e, _ in cases]
    )


def test_there_are_enough_on_every_page_that_teaches():
    assert {e.page for e in EXERCISES} == LEARN
    assert len(EXERCISES) >= 40
    machine = [e for e in EXERCISES if e.title.startswith(MACHINE)]
    assert 3 * len(machine) >= len(EXERCISES)


@pytest.mark.parametrize("page", sorted(LEARN))
def test_exercises_are_numbered_from_one_on(page):
    numbers = [int(TITLE.match(e.text)[1]) for e in EXERCISES if e.page == page]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 3


def test_no_exercise_escapes_the_pattern():
    text = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    assert text.count("{container} exercise") == len(EXERCISES)
    assert len(re.findall(r"\{dropdown\} (?:Hint|Answer)", text)) == 2 * len(EXERCISES)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_exercise_has_a_question_a_hint_and_an_answer_that_runs(exercise):
    question = exercise.text[: exercise.text.index("````{dropdown}")]
    assert "?" in question or exercise.title.startswith(MACHINE)
    assert [title for title, _ in exercise.folds] == ["Hint", "Answer"]
    assert not CODE.findall(dict(exercise.folds)["Hint"])
    assert exercise.code, "an answer without code is not checked"
    assert {language for language, _ in exercise.code} <= {"python", "console"}
    for _, text in exercise.folds:
        assert len(text.split()) > 5


@each("python")
def test_python_of_an_answer_prints_what_it_shows(code):
    """By itself: a reader copies one answer."""
    example = doctest.DocTestParser().get_doctest(code, {}, "answer", "answer", 0)
    assert any(e.want for e in example.examples)
    report = []
    failed = doctest.DocTestRunner().run(example, out=report.append).failed
    assert (failed, "".join(report)) == (0, "")


@each("console")
def test_command_of_an_answer_prints_what_it_shows(code):
    command, _, shown = code.removeprefix("$ ").partition("\n")
    program, *arguments = shlex.split(command)
    assert program == "python" and shown.strip()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    printed = done.stdout + done.stderr
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(shown, printed, options), printed
