"""What `maskgate check` is asked, and the exit statuses that it answers with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OK, UNEXPECTED, SUBJECT_FAILED, INTERRUPTED = 0, 1, 3, 130


@dataclass(frozen=True)
class CheckRequest:
    """What `maskgate check` was asked.

    Attributes:
        subjects: subjects as the user wrote them; empty for `current`.
        select: globs of property names; empty for all.
        deselect: globs of property names to leave out.
        profile: `smoke`, `default` or `deep`.
        seed: Hypothesis seed; None for the fixed default, so that a gate repeats.
        jobs: processes; None for two, or one where there is one core.
        events: file that the event log is written to.
        baseline: file of accepted deviations.
        accept: write what is found to the baseline.
        backend: `tensorflow`, `jax`, `torch`, or None for the subject's own.
        device: `cpu` or `gpu`.
        timeout: seconds that a subject may take to answer.
        database: folder of the Hypothesis example database.
        loss: a user's own loss, `pkg.module:NAME`, checked in place of the built-in ones.
        metric: a user's own metric, likewise; not both.
        layer: a user's own layer, held to the laws of layers; none of the other two.
        like: the built-in loss that it computes, as `LossSpec.parse` reads it.
    """

    subjects: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    deselect: tuple[str, ...] = ()
    profile: str = "default"
    seed: int | None = None
    jobs: int | None = None
    events: Path = Path("events.jsonl")
    baseline: Path | None = None
    accept: bool = False
    backend: str | None = None
    device: str = "cpu"
    timeout: float = 60.0
    database: Path | None = None
    loss: str | None = None
    metric: str | None = None
    layer: str | None = None
    like: str | None = None
