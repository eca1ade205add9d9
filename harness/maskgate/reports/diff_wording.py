"""The sentences and short forms that every report of a comparison shares."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from maskgate.case import array_from_dict
from maskgate.reports.wording import brief, counted
from maskgate.verdicts.difference import LABELS, SIDES, Comparison, Difference

_INTERRUPTED = 130
_ABOUT = {
    "empty-mask": "every step of the batch is masked",
    "soft-mask": "a mask with values between 0 and 1",
    "mask-rank": "a mask of another rank than the loss",
    "mask": "a mask",
    "weight-broadcast": "sample weights of another rank than the loss",
    "scalar-weight": "one sample weight for all",
    "zero-weights": "sample weights that are all zero",
    "weight": "sample weights",
    "mask-with-weight": "a mask together with sample weights",
    "mask-with-weight-rank": "a mask and sample weights of different ranks",
    "ignore-class": "labels of the ignored class",
}
_LABELS = {
    "documented": "explained by a change that the ledger lists",
    "undocumented": "each side follows its release's formula; the ledger has no thread for it",
    "doubt": "not what the oracle expects: look at this first",
}


def diff_outcome(comparison: Comparison) -> str:
    """How a comparison came out, in a sentence or two."""
    said = f"{counted(comparison.examples, 'example')}, {comparison.differing} answered differently"
    if comparison.exit_status == _INTERRUPTED:
        found = _found(comparison) if comparison.examples else "nothing was asked yet"
        return f"Interrupted after {said}: {found}."
    if comparison.failures:
        failed = "; ".join(f"{each.asked}: {each.found}" for each in comparison.failures)
        rest = f" {said}: {_found(comparison)}." if comparison.examples else ""
        return f"No answer: {failed}.{rest}"
    return f"{said}: {_found(comparison)}."


def _found(comparison: Comparison) -> str:
    if not comparison.differences:
        return "no difference"
    verdicts = Counter(each.verdict for each in comparison.differences)
    labels = Counter(each.cause.label for each in comparison.differences if each.verdict == "new")
    parts = []
    if verdicts["new"]:
        inside = ", ".join(f"{labels[label]} {label}" for label in LABELS if labels[label])
        parts.append(f"{counted(verdicts['new'], 'difference')} ({inside})")
    if verdicts["fixed"]:
        parts.append(f"{counted(verdicts['fixed'], 'accepted difference')} that no longer happen")
    if verdicts["accepted"]:
        parts.append(f"{counted(verdicts['accepted'], 'accepted difference')}")
    return "; ".join(parts)


def about(difference: Difference) -> str:
    """What the difference is about, in words."""
    cause = difference.cause
    if cause.stage == "elementwise":
        words = f"element losses of {cause.topic}"
    else:
        default = f"the reduction {difference.case['reduction']}"
        words = _ABOUT.get(cause.topic, default)
    where = {"empty-batch": ", in a batch without samples"}.get(cause.shape_class, "")
    if cause.shape_class.endswith("-coincident"):
        where = ", whose shape also fits other axes"
    mode = f", in {cause.mode} mode alone" if cause.mode else ""
    return f"{words}{where}{mode}"


def label_sentence(difference: Difference) -> str:
    """What the label means here."""
    cause = difference.cause
    if cause.doubted:
        sides = " and ".join(side.upper() for side in cause.doubted)
        found = _LABELS["doubt"] if cause.label == "doubt" else "in a way that a finding lists"
        return f"{sides} departs from its own family: {found}"
    return _LABELS[cause.label]


def facts(difference: Difference) -> Iterator[tuple[str, str]]:
    """What there is to say of a difference, as (name, text)."""
    for side in SIDES:
        yield side.upper(), f"{_answer(difference, side)}  ({_followed(difference, side)})"
    place = difference.place
    if difference.cause.part in ("value", "gradient"):
        yield "bound", f"{brief(place['bound'])} allowed between them ({_where(place)})"
    yield "stage", f"{difference.cause.stage} ({difference.cause.shape_class})"
    yield "label", f"{difference.cause.label}: {label_sentence(difference)}"
    for switch in difference.switches:
        yield "changed", f"in {switch['version']}: {switch['summary']}"
    if difference.cause.releases and not difference.switches:
        yield (
            "changed",
            f"in {', '.join(difference.cause.releases)} (a change beside the family)",
        )
    if difference.thread:
        yield "thread", difference.thread
    yield "seen", f"in {counted(difference.examples, 'example')}"


def _where(place: Mapping[str, Any]) -> str:
    index = f"[{', '.join(map(str, place['index']))}]" if place["index"] else ""
    return f"{place['part']}{index}"


def _answer(difference: Difference, side: str) -> str:
    answer = difference.old if side == "old" else difference.new
    assert answer is not None
    if "value" not in answer:
        return "refused: " + " ".join(str(answer["refused"]).split())[:160]
    value, gradient = (array_from_dict(answer[part]) for part in ("value", "gradient"))
    shown = _short(value)
    if difference.cause.part == "gradient":
        return f"{shown}, gradient {_short(gradient)}"
    if difference.cause.part == "shape":
        return f"{shown} of shape {tuple(answer['value']['shape'])}"
    return shown


def _short(array: Any) -> str:
    return brief(np.asarray(array, np.float64).tolist())


def _followed(difference: Difference, side: str) -> str:
    families = difference.follows[side]
    return f"as in {', '.join(families)}" if families else "as in no family of the ledger"


def followed_sentence(comparison: Comparison, side: str) -> str:
    """How often a side followed the oracle of its own family."""
    counts = comparison.followed[side]
    said = f"followed its family in {counts['followed']} of {counts['asked']} answers"
    others = counts["followed"] < counts["asked"]
    return f"{said} (of the others `maskgate check` tells)" if others else said


def repeat_diff(comparison: Comparison) -> str:
    """The command that runs the comparison again, with the same examples."""
    sides = [comparison.subjects[side]["id"] for side in SIDES]
    run = comparison.run
    options = ["--profile", str(run["profile"]), "--seed", str(run["seed"])]
    for option, usual in (("backend", "tensorflow"), ("device", "cpu")):
        chosen = {comparison.subjects[side][option] for side in SIDES} - {usual}
        options += [f"--{option}", chosen.pop()] if len(chosen) == 1 else []
    return shlex.join(["maskgate", "diff", *sides, *options])
