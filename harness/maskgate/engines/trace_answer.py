"""The answer of a trace in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from maskgate.engines.trace_found import LOST, Layer, MaskSeen, Output, Trace


def state_of(
    mask: MaskSeen | None,
    meant: MaskSeen | None,
    ways: Sequence[str],
    labels: Mapping[str, Any],
    repeats: bool,
) -> str:
    """What an output's loss does with the labels of masked steps, one of `STATES`.

    Args:
        mask: the mask that reaches the loss.
        meant: the one that says which steps are padding.
        ways: what the layers did that end the mask on the way.
        labels: what other labels at masked steps changed.
        repeats: whether the same batch gives the same numbers twice.
    """
    lost = any(way in LOST for way in ways)
    if mask is None and not lost:
        return "used" if ways else "none"
    if "skipped" in labels:
        return "lost" if lost else "unclear"
    if not repeats:
        return "lost" if lost else "unclear"
    matters = labels["matters"] or labels["training_matters"]
    if matters:
        return "matter"
    return "ignored" if mask is not None or meant is None else "lost"


def answer_of(found: Trace) -> str:
    """The answer: yes or no first."""
    bad = [output for output in found.outputs if output.state in ("matter", "lost")]
    good = [output for output in found.outputs if output.state == "ignored"]
    unclear = [output for output in found.outputs if output.state == "unclear"]
    several = len(found.outputs) > 1
    if bad:
        parts = [_bad(found, output, several) for output in bad]
        if good:
            parts.append(f"{_named(good)} {_verb(good, 'ignores', 'ignore')} them")
        return f"No, {'; '.join(parts)}."
    if unclear:
        why = "; ".join(dict.fromkeys(_unclear(output) for output in unclear))
        where = f" in {_named(unclear)}" if several else ""
        return f"It cannot be told{where}: {why}."
    if good:
        return f"Yes, labels of masked steps are ignored{_where(good, found)}{_except(found)}."
    used = [output for output in found.outputs if output.state == "used"]
    if used:
        enders = _layers_of(found, used)
        return (
            f"Yes, as far as there are any: {enders} uses the mask up, and no mask is left where "
            f"labels could be masked{_except(found)}."
        )
    return "Nothing is masked: no layer of this model makes a mask, and every label counts."


def _bad(found: Trace, output: Output, several: bool) -> str:
    where = f" of {output.name}" if several else ""
    what = f"labels of masked steps{where} matter"
    if output.state == "lost":
        what = f"masked steps{where} are not ignored"
    if output.lost_at:
        lost = [found.layer(n) for n in output.lost_at if found.layer(n).way in LOST]
        return f"{what}: {' and '.join(_lost(layer) for layer in lost)} before the loss"
    if output.mask is None:
        return f"{what}: the mask is lost before the loss"
    if not output.labels.get("matters", True):
        return f"{what}: not for the loss that is reported, but a training step moves the weights"
    return f"{what}: the mask arrives at the loss, and the loss does not apply it"


def _lost(layer: Layer) -> str:
    if layer.way == "lost before":
        return f"an operation that is no layer loses the mask in front of {_label(layer)}"
    return f"{_label(layer)} drops the mask{layer.way.removeprefix('dropped')}"


def _label(layer: Layer) -> str:
    return f"{layer.name} ({layer.kind})"


def _layers_of(found: Trace, outputs: Iterable[Output]) -> str:
    numbers = dict.fromkeys(number for output in outputs for number in output.lost_at)
    return " and ".join(_label(found.layer(number)) for number in numbers)


def _unclear(output: Output) -> str:
    if "skipped" in output.labels:
        return str(output.labels["skipped"])
    return "the same batch does not give the same numbers twice"


def _where(good: Sequence[Output], found: Trace) -> str:
    return "" if len(good) == len(found.outputs) else f" in {_named(good)}"


def _except(found: Trace) -> str:
    """What is wrong all the same."""
    notes = []
    metrics = [str(metric["name"]) for metric in found.metrics]
    if metrics:
        verb = "counts" if len(metrics) == 1 else "count"
        notes.append(f"{' and '.join(metrics)} {verb} them")
    if any(output.predictions.get("matters") for output in found.outputs):
        notes.append("predictions at masked steps change the loss")
    if found.longer.get("matters"):
        notes.append("more padding changes the loss")
    if found.all_masked.get("weights") == "nan":
        notes.append("a batch of nothing but masked steps turns the weights into NaN")
    if found.all_masked.get("weights") == "changed":
        notes.append("a batch of nothing but masked steps changes the weights")
    return f", except that {', and '.join(notes)}" if notes else ""


def _named(outputs: Sequence[Output]) -> str:
    return " and ".join(output.name for output in outputs)


def _verb(outputs: Sequence[Output], one: str, many: str) -> str:
    return one if len(outputs) == 1 else many
