"""`maskgate diff`: two subjects live at once, asked the same; what differs, by cause."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from maskgate.engines.catalogue import suite_folder
from maskgate.engines.diff_baseline import example_of, judged, load_accepted, save_accepted
from maskgate.engines.diff_causes import Causes
from maskgate.engines.diff_examples import examples
from maskgate.engines.diff_pair import Side, SideBySide
from maskgate.engines.diff_search import Progress, Search
from maskgate.engines.examining import SHIPPED
from maskgate.engines.problems import UsageProblem
from maskgate.engines.profiles import DEFAULT_SEED, PROFILES
from maskgate.strategies import spend_signatures
from maskgate.subjects import Subject, SubjectError, open_subject
from maskgate.verdicts.deviations import load_deviations
from maskgate.verdicts.difference import LABELS, PARTS, Comparison, Difference, Failure

OK, DIFFERENT, SUBJECT_FAILED, INTERRUPTED = 0, 1, 3, 130
# A property has its own topic; one run of a diff has all of them.
_RANDOM_EXAMPLES_A_PROFILE_EXAMPLE = 8


@dataclass(frozen=True)
class DiffRequest:
    """What `maskgate diff` was asked.

    Attributes:
        old: the one subject as the user wrote it.
        new: the other.
        profile: `smoke`, `default` or `deep`.
        seed: Hypothesis seed; None for the fixed default.
        baseline: file of accepted differences.
        accept: write what is found to the baseline.
        backend: `tensorflow`, `jax`, `torch`, or None for each subject's own.
        device: `cpu` or `gpu`.
        timeout: seconds that a subject may take to answer.
    """

    old: str
    new: str
    profile: str = "default"
    seed: int | None = None
    baseline: Path | None = None
    accept: bool = False
    backend: str | None = None
    device: str = "cpu"
    timeout: float = 60.0


def run_diff(
    request: DiffRequest, *, on_progress: Progress = lambda _examples, _causes: None
) -> Comparison:
    """Ask both subjects the same until the profile's budget is spent.

    Args:
        request: what to compare, and how.
        on_progress: called with the number of examples and of causes so far.

    Returns:
        What was found, as far as the run went: exit status 0 for no difference but accepted ones,
        1 for differences (or accepted ones that are gone), 3 where a subject failed, 130 where the
        user interrupted.

    Raises:
        UsageProblem: when the request itself is wrong.
    """
    if request.profile not in PROFILES:
        raise UsageProblem(
            f"profile {request.profile!r}", "there is no such profile", f"use {', '.join(PROFILES)}"
        )
    accepted = load_accepted(request.baseline, accepting=request.accept)
    started = time.monotonic()
    comparison = _compared(request, accepted, on_progress)
    answered = comparison.exit_status in (OK, DIFFERENT)
    if request.accept and request.baseline is not None and answered:
        comparison = _accepted(comparison, request.baseline)
    return replace(
        comparison,
        run={
            "profile": request.profile,
            "seed": _seed(request),
            "command": shlex.join(["maskgate", *sys.argv[1:]]),
        },
        seconds=time.monotonic() - started,
    )


def compare(
    old: Subject,
    new: Subject,
    *,
    profile: str = "default",
    seed: int = DEFAULT_SEED,
    accepted: list[Difference] | None = None,
    on_progress: Progress = lambda _examples, _causes: None,
) -> Comparison:
    """Compare two opened subjects, and close them.

    Raises:
        SubjectError: one of them cannot be started.
    """
    both = SideBySide(old, new)
    known = load_deviations(suite_folder() / SHIPPED)
    search = Search(both, Causes(both, known), on_progress)
    spend_signatures(PROFILES[profile].signatures)
    status = OK
    try:
        search.try_examples(example_of(entry) for entry in accepted or ())
        search.try_examples(examples(known))
        budget = PROFILES[profile].examples * _RANDOM_EXAMPLES_A_PROFILE_EXAMPLE
        search.try_at_random(budget, seed=seed)
        search.reduce()
    except KeyboardInterrupt:
        status = INTERRUPTED
    finally:
        with suppress(KeyboardInterrupt):
            both.close()
    return _concluded(search, both, accepted or [], status)


def _compared(
    request: DiffRequest, accepted: list[Difference], on_progress: Progress
) -> Comparison:
    def opened(text: str) -> Subject:
        return open_subject(
            text, timeout=request.timeout, backend=request.backend, device=request.device
        )

    try:
        return compare(
            opened(request.old),
            opened(request.new),
            profile=request.profile,
            seed=_seed(request),
            accepted=accepted,
            on_progress=on_progress,
        )
    except SubjectError as problem:
        return Comparison(failures=(_failure(problem),), exit_status=SUBJECT_FAILED)
    except KeyboardInterrupt:
        return Comparison(exit_status=INTERRUPTED)


def _concluded(
    search: Search, both: SideBySide, accepted: list[Difference], status: int
) -> Comparison:
    found = sorted(search.differences(), key=_weight)
    whole = status == OK and search.failure is None
    # What an interrupted search has not come to is not gone.
    differences = judged(found, accepted) if whole else judged(found, _seen_again(found, accepted))
    if search.failure is not None:
        status = SUBJECT_FAILED
    elif status == OK and any(each.verdict != "accepted" for each in differences):
        status = DIFFERENT
    return Comparison(
        subjects={side.name: described(side) for side in both.sides},
        differences=differences,
        followed={
            side.name: {"asked": side.asked, "followed": side.followed} for side in both.sides
        },
        examples=search.examples,
        differing=search.differing,
        failures=() if search.failure is None else (_failure(search.failure),),
        exit_status=status,
    )


def _weight(difference: Difference) -> tuple[int, int, int]:
    """What comes first: doubts, then silent changes of numbers, then what was seen often."""
    cause = difference.cause
    return LABELS.index(cause.label), PARTS.index(cause.part), -difference.examples


def _seen_again(found: list[Difference], accepted: list[Difference]) -> list[Difference]:
    here = {each.cause for each in found}
    return [entry for entry in accepted if entry.cause in here]


def _accepted(comparison: Comparison, baseline: Path) -> Comparison:
    try:
        save_accepted(baseline, comparison.differences)
    except OSError as problem:
        found, hint = f"it cannot be written ({problem.strerror or problem})", "name another file"
        raise UsageProblem(f"baseline {baseline}", found, hint) from None
    kept = (each for each in comparison.differences if each.verdict != "fixed")
    differences = tuple(replace(each, verdict="accepted") for each in kept)
    return replace(comparison, differences=differences, exit_status=OK)


def described(side: Side) -> Mapping[str, Any]:
    """A side as a report names it."""
    who = side.description
    return {
        "id": who.id,
        "distribution": who.distribution,
        "keras": who.keras,
        "backend": who.backend,
        "framework": who.framework,
        "python": who.python,
        "numpy": who.numpy,
        "device": who.device,
        "family": side.semantics.family,
        "generation": side.semantics.generation,
        "listed": side.listed.exact,
        "checked_as": side.listed.nearest,
        "notes": list(who.notes),
    }


def _seed(request: DiffRequest) -> int:
    return DEFAULT_SEED if request.seed is None else request.seed


def _failure(problem: SubjectError) -> Failure:
    return Failure(problem.asked, problem.found, problem.hint)
