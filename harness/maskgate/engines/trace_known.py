"""Which listed deviations are about what a trace found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.version import Version

from maskgate.engines.trace_family import own_semantics
from maskgate.engines.trace_found import Known, Trace
from maskgate.subjects.protocol import Description
from maskgate.verdicts.deviations import KnownDeviation

# What a trace calls it, and the entries that may be about it, the one that says most first.
_ALL_MASKED = ("all-masked-is-nan", "weighted-mean-of-nothing-has-a-nan-gradient")
_ALL_MASKED_MOVES = ("jax-without-mask-empty",)
_LONGER = (
    "padding-counts-in-the-objective",
    "padding-counts-in-the-objective-before-2.2.5",
    "jax-without-mask-padding",
)
_UNKNOWN_STEPS = ("time-distributed-over-the-batch", "time-distributed-of-unknown-steps")
_METRICS = ("metrics-without-weights-ignore-the-mask", "metrics-count-masked-steps")
_LABELS = ("jax-without-mask-in-a-model",)
_SILENT = ("layers-drop-masks-silently",)


def known_of(
    found: Trace, who: Description, deviations: Iterable[KnownDeviation]
) -> tuple[Known, ...]:
    """What is known of the things that a trace found, with a public thread or a finding.

    An entry is named where it is about the subject's family, release and backend, and about what
    was found; each link once for each of these.

    Args:
        found: the judged trace.
        who: the subject.
        deviations: the list of known deviations.
    """
    listed = {entry.id: entry for entry in deviations}
    family = own_semantics(who).family
    known: dict[tuple[str, str], Known] = {}
    for about, names in _found(found, who):
        for name in names:
            entry = listed.get(name)
            if entry is not None and entry.link and entry.applies(family, who):
                known.setdefault((about, entry.link), Known(about, entry.sentence, entry.link))
    return tuple(known.values())


def _is_silent(found: Trace, who: Description) -> bool:
    """Whether a layer that the list is about drops its mask without a word.

    These are Dot, and before Keras 3 every built-in layer that supports no masks. An operation
    that stands in a functional model of Keras 3 as a layer is none of them.
    """
    old = Version(who.keras) < Version("3")
    return any(
        layer.way == "dropped silently" and (old or layer.kind == "Dot") for layer in found.layers
    )


def _found(found: Trace, who: Description) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What there is to know more of, and the entries that may be about it."""
    weights = found.all_masked.get("weights")
    arrived = [output for output in found.outputs if output.mask]
    if any(output.state == "matter" for output in arrived):
        yield "labels", _LABELS
    if _is_silent(found, who):
        yield "the way of the mask", _SILENT
    if found.longer.get("matters"):
        yield "more padding", _LONGER
    if weights in ("nan", "changed"):
        yield "all masked", (_ALL_MASKED if weights == "nan" else _ALL_MASKED_MOVES)
    if "fed" in str(found.longer.get("skipped")) and any(
        layer.kind == "TimeDistributed" for layer in found.layers
    ):
        yield "more padding", _UNKNOWN_STEPS
    # Where no mask reaches the loss, it is its loss that makes metrics count masked steps.
    if any(metric["matters"] for output in arrived for metric in output.labels.get("metrics", ())):
        yield "metrics", _METRICS
