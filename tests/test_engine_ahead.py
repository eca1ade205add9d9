"""Asking about one example while the next is drawn."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from maskgate.engines.ahead import asking_ahead, run_ahead

Job = Callable[[], None]


def test_jobs_are_done_in_order_on_another_thread() -> None:
    done: list[tuple[int, bool]] = []
    own = threading.get_ident()
    with asking_ahead() as ahead:
        for number in range(20):
            ahead.submit(lambda number=number: done.append((number, threading.get_ident() != own)))
    assert done == [(number, True) for number in range(20)]
    assert ahead.problem is None


def test_after_a_failure_nothing_more_is_done_and_drawing_ends() -> None:
    done: list[int] = []

    def job(number: int) -> None:
        assert number != 3, "the third"
        done.append(number)

    drawn = 0
    with asking_ahead() as ahead:
        for number in range(1000):
            ahead.submit(lambda number=number: job(number))
            drawn += 1
    assert done == [0, 1, 2]
    assert drawn < 20
    assert "the third" in str(ahead.problem)


def fails() -> None:
    raise AssertionError("seen ahead")


def draw_one(job: Job) -> Callable[[Callable[[Job], None]], None]:
    return lambda do: do(job)


def test_a_property_that_holds_is_run_once() -> None:
    again: list[int] = []
    run_ahead(draw_one(lambda: None), again=lambda: again.append(1))
    assert again == []


def test_a_failure_is_told_by_the_ordinary_run() -> None:
    def again() -> None:
        raise ValueError("shrunk")

    with pytest.raises(ValueError, match="shrunk"):
        run_ahead(draw_one(fails), again=again)


def test_a_failure_that_the_ordinary_run_does_not_see_is_not_lost() -> None:
    again: list[int] = []
    with pytest.raises(AssertionError, match="seen ahead"):
        run_ahead(draw_one(fails), again=lambda: again.append(1))
    assert again == [1]


def test_an_interrupt_waits_for_nothing() -> None:
    started, release, done = threading.Event(), threading.Event(), list[int]()
    interval = sys.getswitchinterval()

    def slow() -> None:
        started.set()
        release.wait(30)

    def interrupted() -> None:
        with asking_ahead() as ahead:
            ahead.submit(slow)
            ahead.submit(lambda: done.append(1))
            assert started.wait(30)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    release.set()
    assert done == []
    assert sys.getswitchinterval() == interval
