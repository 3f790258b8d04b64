"""Mathematics in a picture: letters, scripts, sums and fractions, set in the font of the formulas.

A label is a tuple of runs, so labels are added with ``+``. Letters are the mathematical ones of
Unicode, italic and bold, which is what the formulas of the page are set in as well. Scripts are
moved by ``dy``, which every browser knows. Widths are those of STIX Two Math, in ems.
"""

from dataclasses import dataclass, replace

from .svg import element

SCRIPT = 0.72  # size of a script beside its letter
UP, DOWN = -0.36, 0.24  # how far a script stands above and below the line
THIN, SPACE = "\N{THIN SPACE}", "\N{NO-BREAK SPACE}"

# The advance widths of the font, in thousandths of an em.
LETTERS = "abcdefghijklmnopqrstuvwxyz"
UPRIGHT = (480, 522, 446, 539, 464, 307, 484, 577, 285, 263, 542, 283, 852,
           576, 514, 537, 521, 380, 395, 315, 570, 481, 749, 479, 483, 458)  # fmt: skip
ITALIC = (555, 518, 414, 556, 424, 577, 503, 577, 274, 431, 533, 278, 830,
          565, 486, 598, 517, 412, 386, 338, 565, 504, 727, 559, 510, 493)  # fmt: skip
SIGNS = {
    "+": 720, "=": 720, "\N{MINUS SIGN}": 720, "\N{MULTIPLICATION SIGN}": 720,
    "(": 357, ")": 357, "[": 349, "]": 349, ",": 245, "\N{DOT OPERATOR}": 293,
    "\N{PRIME}": 296, "\N{DOUBLE PRIME}": 436, "\N{VERTICAL ELLIPSIS}": 519, SPACE: 235, THIN: 125,
    "\N{MATHEMATICAL ITALIC PARTIAL DIFFERENTIAL}": 495, "\N{MATHEMATICAL BOLD SMALL W}": 877,
    "\N{MATHEMATICAL BOLD CAPITAL W}": 1046, "\N{MATHEMATICAL BOLD SMALL Z}": 476,
}  # fmt: skip


def styled(text, small, capital, greek):
    """Return letters of another alphabet; `small`, `capital` and `greek` are its a, A and α."""
    starts = (("a", "z", small), ("A", "Z", capital), ("α", "ω", greek))

    def letter(character):
        if character == "∂":
            return "\N{MATHEMATICAL ITALIC PARTIAL DIFFERENTIAL}"
        for first, last, start in starts:
            if first <= character <= last:
                return chr(start + ord(character) - ord(first))
        return character

    return "".join(map(letter, text)).replace("\U0001d455", "\N{PLANCK CONSTANT}")  # italic h


def styled_italic(text):
    """Return the letters of numbers."""
    return styled(text, 0x1D44E, 0x1D434, 0x1D6FC)


WIDTHS = {
    **dict.fromkeys("0123456789", 495),
    **dict(zip(LETTERS, UPRIGHT, strict=True)),
    **dict(zip(styled_italic(LETTERS), ITALIC, strict=True)),
    **SIGNS,
}
OTHER = 570  # capitals, bold and Greek letters: close to each of them


@dataclass(frozen=True)
class Run:
    """Characters of one size on one line: `shift` ems below the line, `back` ems to the left."""

    text: str
    size: float = 1.0
    shift: float = 0.0
    back: float = 0.0

    @property
    def width(self):
        """The width in ems of the label, without the step back."""
        return self.size * sum(WIDTHS.get(c, OTHER) for c in self.text) / 1000


def up(text):
    """Return upright text; its spaces stay where a line begins or ends."""
    return (Run(text.replace(" ", SPACE)),)


def italic(text):
    """Return the letters of numbers."""
    return (Run(styled_italic(text)),)


def bold(text):
    """Return the letters of vectors and matrices; Greek ones are bold and italic."""
    return (Run(styled(text, 0x1D41A, 0x1D400, 0x1D736)),)


def script(label, shift, back=0.0):
    """Return a label as a script."""
    first, *others = (
        Run(run.text, SCRIPT * run.size, shift + SCRIPT * run.shift, SCRIPT * run.back)
        for run in label
    )
    return (replace(first, back=back), *others)


def scripts(base, sub=(), sup=()):
    """Return a label with a subscript and a superscript, one over the other."""
    above = script(sup, UP) if sup else ()
    below = script(sub, DOWN, back=width(above)) if sub else ()
    # The next run stands after the longer of the two.
    missing = width(above) - width(script(sub, DOWN)) if sub else 0.0
    rest = (Run("", back=-missing),) if above and missing > 0 else ()
    return (*base, *above, *below, *rest)


def width(label):
    """Return the width of a label in ems."""
    return sum(run.width - run.back for run in label)


def text(x, y, label, size=16, anchor="middle", kind="math"):
    """Return a label as a text of `size` whose line begins, ends or is centred at (x, y)."""
    spans, line, back = [], 0.0, 0.0
    for run in label:
        back += run.back
        if not run.text:
            continue
        attributes = {"font_size": size * run.size} if run.size != 1 else {}
        if run.shift != line:
            attributes["dy"] = size * (run.shift - line)
        if back:
            attributes["dx"] = -size * back
        spans.append(element("tspan", run.text, **attributes))
        line, back = run.shift, 0.0
    place = {} if anchor == "start" else {"text_anchor": anchor}
    return element("text", *spans, class_=kind, x=x, y=y, font_size=size, **place)


def words(x, y, content, size=14, anchor="middle", kind="words"):
    """Return plain words in the font of the interface."""
    place = {} if anchor == "start" else {"text_anchor": anchor}
    return element("text", content, class_=kind, x=x, y=y, font_size=size, **place)


@dataclass(frozen=True)
class Fraction:
    """One label over another."""

    over: tuple
    under: tuple

    @property
    def width(self):
        """The width in ems."""
        return max(width(self.over), width(self.under)) + 0.35

    def draw(self, x, y, size):
        """Return the two labels and the bar between them, from x on; y is the line."""
        middle, bar = x + size * self.width / 2, y - 0.27 * size
        half = size * (self.width / 2 - 0.1)
        return (
            text(middle, bar - 0.4 * size, self.over, size),
            element("path", class_="bar", d=f"M{middle - half:.1f} {bar:.1f}h{2 * half:.1f}"),
            text(middle, bar + 0.98 * size, self.under, size),
        )


@dataclass(frozen=True)
class Sum:
    """A sum over an index."""

    index: tuple

    width = 1.25

    def draw(self, x, y, size):
        """Return the sign and its index, from x on; y is the line."""
        middle = x + size * self.width / 2 - 0.05 * size
        return (
            text(middle, y + 0.1 * size, up("\N{N-ARY SUMMATION}"), 1.2 * size),
            text(middle, y + 0.95 * size, self.index, SCRIPT * size),
        )


def partial(of, by):
    """Return a partial derivative."""
    return Fraction((*italic("∂"), *of), (*italic("∂"), *by))


def formula(x, y, parts, size=16, anchor="start"):
    """Return labels, fractions and sums in a row on the line y."""
    widths = [width(part) if isinstance(part, tuple) else part.width for part in parts]
    x -= size * sum(widths) * {"start": 0, "middle": 0.5, "end": 1}[anchor]
    drawn = []
    for part, wide in zip(parts, widths, strict=True):
        drawn += (
            [text(x, y, part, size, "start")] if isinstance(part, tuple) else part.draw(x, y, size)
        )
        x += size * wide
    return element("g", *drawn)
