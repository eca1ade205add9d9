"""Asking about one example while the next is drawn.

Most of an example's time goes by in the subject's process. What draws the examples need not wait
for it: a verdict on another thread is early enough, because almost all examples hold. Where one
does not, Hypothesis must see it fail to shrink it, so the property is run again from the same seed,
in the ordinary way. That is what `run_ahead` does, and why it takes a run that repeats.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import Callable, Iterator

Job = Callable[[], None]

# How many jobs may wait. More would not be quicker, and would be done for nothing where one fails.
WAITING = 2

# Seconds after which Python lets the other thread go on. Its default, 5 ms, is longer than an
# example takes: the subject would wait for questions.
SWITCH = 1e-4


class EnoughSeen(BaseException):
    """Ends the drawing of examples after one has failed. No `Exception`: Hypothesis would shrink
    it."""


class Ahead:
    """Does jobs on a thread of its own, in order.

    Attributes:
        problem: what a job raised first; no job is done after that.
    """

    def __init__(self) -> None:
        self._waiting: queue.Queue[Job | None] = queue.Queue(WAITING)
        self.problem: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._work, name="maskgate-ahead", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Have a job done; waits while too many are waiting.

        Raises:
            EnoughSeen: when one has failed.
        """
        if self.problem is not None:
            raise EnoughSeen
        self._waiting.put(job)

    def finish(self) -> None:
        """Wait for the last job."""
        self._waiting.put(None)
        self._thread.join()

    def abandon(self) -> None:
        """Do nothing more, and do not wait."""
        self._abandoned = True

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            if self.problem is not None or self._abandoned:
                continue
            try:
                job()
            except BaseException as problem:  # told on the thread that draws
                self.problem = problem


@contextlib.contextmanager
def asking_ahead() -> Iterator[Ahead]:
    """An `Ahead` that is finished at the end, and abandoned where its user is interrupted."""
    ahead, interval = Ahead(), sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        with contextlib.suppress(EnoughSeen):
            yield ahead
        ahead.finish()
    except BaseException:
        ahead.abandon()
        raise
    finally:
        sys.setswitchinterval(interval)


def run_ahead(draw: Callable[[Callable[[Job], None]], None], *, again: Callable[[], None]) -> None:
    """Draw and ask side by side; where an example fails, run the property in the ordinary way.

    Args:
        draw: runs the property; what asks the subject is handed to its argument.
        again: runs the property in the ordinary way, from the same seed; raises what it finds.

    Raises:
        BaseException: what `again` raises, or, should it see no failure, the first failure itself.
    """
    with asking_ahead() as ahead:
        draw(ahead.submit)
    if ahead.problem is not None:
        again()
        raise ahead.problem
