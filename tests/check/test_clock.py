"""Time is that of the processor, and is looked at seldom."""

import time

import pytest

from reference_impl.check.clock import SELDOM, Clock, TimeUp, until_time_is_up


def test_time_is_up():
    late = Clock(-1.0)
    assert late.is_up() and not Clock(60.0).is_up()
    with pytest.raises(TimeUp):
        late.look()
    late.look()  # too soon to look again


def test_waiting_takes_no_time(monkeypatch):
    """Here the processor does nothing; threads of other tests might."""
    monkeypatch.setattr(time, "process_time", lambda: 5.0)
    clock = Clock(SELDOM)
    time.sleep(2.0 * SELDOM)
    clock.look()


def test_what_there_was_time_for():
    def parts():
        yield 1
        Clock(-1.0).look()
        yield 2

    assert list(until_time_is_up(parts())) == [1]
