"""The end of a run says how much was checked: a number that drops is a test that does nothing."""

from tally import COUNTS


def pytest_terminal_summary(terminalreporter):
    if COUNTS:
        found = ", ".join(f"{count} {what}" for what, count in sorted(COUNTS.items()))
        terminalreporter.write_line(f"checked: {found}")
