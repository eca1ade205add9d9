"""Traces for the tests of reports, made without a framework."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from maskgate.engines.trace_answer import answer_of
from maskgate.engines.trace_found import FamilySeen, Known, Layer, MaskSeen, Output, Trace

MASK = MaskSeen((2, 3), 0.5)


def layer(number: int, way: str, *sources: int, parent: int | None = 0, **changes: Any) -> Layer:
    """A layer whose masks are those that its way says."""
    masked_in = way not in ("made", "none", "lost before")
    masked_out = way in ("made", "kept", "changed")
    made = Layer(
        number=number,
        name=f"layer_{number}",
        kind="Dense",
        parent=parent,
        depth=0,
        sources=sources or (number - 1,),
        taken=(None,) * max(len(sources), 1),
        shapes=((2, 3, 1),),
        mask_in=MASK if masked_in else None,
        mask_out=MASK if masked_out else None,
        way=way,
    )
    return replace(made, **changes)


MODEL = layer(0, "none", -1, parent=None)


def output(state: str = "ignored", **changes: Any) -> Output:
    labels = {
        "before": 0.5,
        "after": 0.5,
        "matters": state == "matter",
        "training_matters": state == "matter",
        "metrics": (),
    }
    made = Output(
        name="a",
        shape=(2, 3, 1),
        mask=MASK if state == "ignored" else None,
        meant=MASK,
        state=state,
        lost_at=(),
        made_by=2,
        loss="mse",
        labels=labels,
        predictions={"skipped": "no reason"},
        gradient={"largest_masked": 0.0, "largest_valid": 0.25, "zero": True},
        family=FamilySeen(("valid-where", "objective"), "valid-where", "the valid steps"),
    )
    return replace(made, **changes)


def traced(*outputs: Output, layers: tuple[Layer, ...] = (), **changes: Any) -> Trace:
    subject = {
        "id": "current",
        "distribution": "keras",
        "keras": "3.15.1",
        "backend": "tensorflow",
        "framework": "2.21.0",
        "python": "3.11.7",
        "numpy": "2.4.6",
        "device": "cpu",
        "family": "valid-where",
        "notes": [],
    }
    gradient = np.array([[[0.25], [0.1], [0.0]], [[0.2], [0.0], [-0.1]]], np.float32)
    mask = np.array([[True, True, False], [True, False, False]])
    made = Trace(
        target="my:model",
        subject=subject,
        layers=layers or (MODEL, layer(1, "made", -1, taken=(0,)), layer(2, "kept")),
        outputs=outputs or (output(),),
        longer={
            "steps": 3,
            "length": 3,
            "before": 0.5,
            "after": 0.5,
            "allowed": 1e-7,
            "matters": False,
        },
        all_masked={"loss": 0.0, "weights": "same", "largest_change": 0.0},
        inputs=(((2, 3, 4), "float32"),),
        arrays={"gradient_0": gradient, "mask_0": mask},
        exit_status=0,
        command="maskgate trace my:model",
    )
    made = replace(made, **changes)
    return replace(made, answer=answer_of(made))


def every_state() -> Trace:
    """A model in which everything happens."""
    layers = (
        MODEL,
        layer(1, "made", -1, taken=(0,)),
        layer(2, "kept"),
        layer(3, "changed", 1, 2),
        layer(4, "used", 3),
        layer(5, "dropped silently", 3, kind="Flatten"),
        layer(6, "dropped with a warning", 3, name="<&>", kind="Nested"),
        layer(7, "kept", -1, parent=6, depth=1),
        layer(8, "lost before", -2),
        layer(9, "none", 5),
    )
    metric = {"name": "accuracy", "before": 0.5, "after": 0.25, "matters": True}
    matter = output("matter", name="b", lost_at=(5,), made_by=9)
    told = {**matter.labels, "after": 0.75, "metrics": (metric,)}
    gradient = {"largest_masked": 0.1, "largest_valid": "nan", "zero": False}
    lost = replace(matter, labels=told, gradient=gradient, family=FamilySeen(skipped="no mask"))
    known = (
        Known("metrics", "Metrics <count> them.", "https://example.org/issues/1?a=1&b=2"),
        Known("all masked", "It is NaN.", "reports/findings/there-is-none-of-this-name"),
    )
    return traced(
        output(made_by=3), lost, layers=layers, notes=("a note",), known=known, exit_status=1
    )
