"""What a trace found is linked with the listed deviations that are about it, and with no other."""

from __future__ import annotations

from typing import Any

import pytest
from trace_samples import MASK, MODEL, layer, output, traced

from maskgate.engines import trace_known
from maskgate.engines.catalogue import suite_folder
from maskgate.engines.examining import SHIPPED
from maskgate.engines.trace_found import Trace
from maskgate.engines.trace_known import known_of
from maskgate.subjects.protocol import Description
from maskgate.verdicts.deviations import KnownDeviation, load_deviations

NAN = {"loss": "nan", "weights": "nan", "largest_change": "nan"}
MOVES = {"loss": 0.5, "weights": "changed", "largest_change": 0.5}
LONGER = {"steps": 3, "before": 0.5, "after": 0.25, "allowed": 0.0, "matters": True}


@pytest.fixture(scope="module")
def deviations() -> tuple[KnownDeviation, ...]:
    return load_deviations(suite_folder() / SHIPPED)


def silent(kind: str) -> Trace:
    return traced(layers=(MODEL, layer(1, "made", -1), layer(2, "dropped silently", kind=kind)))


def counting() -> Trace:
    metric = {"name": "auc", "before": 0.5, "after": 0.25, "matters": True}
    return traced(output(labels={**output().labels, "metrics": (metric,)}))


@pytest.mark.parametrize(
    ("found", "keras", "backend", "about", "end"),
    [
        (traced(all_masked=NAN), "2.15.0", "tensorflow", "all masked", "/issues/3270"),
        (traced(all_masked=NAN), "2.2.4", "tensorflow", "all masked", "/issues/3270"),
        (traced(longer=LONGER), "2.2.5", "tensorflow", "more padding", "/issues/10267"),
        (silent("Flatten"), "2.15.0", "tensorflow", "the way of the mask", "masks-silently"),
        (silent("Dot"), "3.15.1", "tensorflow", "the way of the mask", "masks-silently"),
        (counting(), "3.0.5", "tensorflow", "metrics", "metrics-count-masked-steps"),
        (counting(), "3.15.1", "tensorflow", "metrics", "metrics-count-masked-steps"),
        (traced(output("matter", mask=MASK)), "3.4.1", "jax", "labels", "where-traced"),
        (traced(all_masked=MOVES), "3.4.1", "jax", "all masked", "where-traced"),
    ],
)
def test_what_is_listed_is_linked(
    found: Trace, keras: str, backend: str, about: str, end: str, deviations: Any
) -> None:
    who = Description("x", "keras", keras, backend, "2", "3.11", "2")
    (known,) = known_of(found, who, deviations)
    assert known.about == about
    assert known.link.endswith(end)
    assert known.sentence.endswith(".")


@pytest.mark.parametrize(
    ("found", "keras", "backend"),
    [
        (traced(), "3.15.1", "tensorflow"),
        (traced(all_masked=NAN), "3.15.1", "tensorflow"),
        (silent("Multiply"), "3.15.1", "tensorflow"),
        (traced(output("matter", lost_at=(2,))), "3.4.1", "jax"),
        (traced(output("matter", mask=MASK)), "3.15.1", "jax"),
    ],
)
def test_what_is_not_listed_of_this_subject_is_not_linked(
    found: Trace, keras: str, backend: str, deviations: Any
) -> None:
    who = Description("x", "keras", keras, backend, "2", "3.11", "2")
    assert known_of(found, who, deviations) == ()


def test_every_entry_that_a_trace_names_is_listed(deviations: Any) -> None:
    tables = ("_ALL_MASKED", "_ALL_MASKED_MOVES", "_LONGER", "_METRICS", "_LABELS", "_SILENT")
    tables += ("_UNKNOWN_STEPS",)
    named = {name for table in tables for name in getattr(trace_known, table)}
    assert len(named) == 12
    assert named <= {entry.id for entry in deviations if entry.link}
