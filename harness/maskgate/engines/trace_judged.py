"""What the numbers of a trace mean: the state of each output, its family, the answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from maskgate.case import AnyArray
from maskgate.engines.trace_answer import answer_of, state_of
from maskgate.engines.trace_family import (
    NoFormulaError,
    case_of,
    family_of,
    own_semantics,
    sum_radius,
    value_radius,
)
from maskgate.engines.trace_found import (
    AS_EXPECTED,
    UNEXPECTED,
    FamilySeen,
    Layer,
    MaskSeen,
    Output,
    Trace,
)
from maskgate.engines.trace_way import ends_of
from maskgate.oracle import ledger
from maskgate.subjects.protocol import Description


def judged(
    nothing: Trace, who: Description, data: Mapping[str, Any], arrays: Mapping[str, AnyArray]
) -> Trace:
    """The trace with what the worker's numbers mean.

    Args:
        nothing: the trace so far: what was asked, and of whom.
        who: the subject.
        data: what the worker's task `trace.model` found.
        arrays: its arrays, for output N `gradient_N`, `mask_N`, `label_N`, `prediction_N` and
            `longer_N`, as far as they were measured.
    """
    layers = tuple(_layers(data["layers"]))
    outputs = tuple(
        _output(number, each, layers, who, data, arrays)
        for number, each in enumerate(data["outputs"])
    )
    found = replace(
        nothing,
        layers=layers,
        outputs=outputs,
        longer=_longer(who, data, arrays),
        all_masked=data["all_masked"],
        made_up=bool(data["made_up"]),
        inputs=tuple((tuple(shape), str(dtype)) for shape, dtype in data["inputs"]),
        notes=(*data["notes"], *_notes(who)),
        arrays={k: v for k, v in arrays.items() if k.startswith(("gradient_", "mask_"))},
    )
    # What cannot be told must not pass a gate.
    bad = any(output.state in ("matter", "lost", "unclear") for output in outputs)
    status = UNEXPECTED if bad else AS_EXPECTED
    return replace(found, answer=answer_of(found), exit_status=status)


def _notes(who: Description) -> Iterator[str]:
    if ledger.on_backend(own_semantics(who), who.backend).loses_mask:
        yield (
            f"keras {who.keras} on {who.backend} loses masks wherever a step is compiled; layers "
            "are shown as they run one by one"
        )


def _layers(rows: list[Mapping[str, Any]]) -> Iterator[Layer]:
    depths: dict[int | None, int] = {None: -2}
    for row in rows:
        depth = depths.get(row["parent"], -1) + 1
        depths[row["number"]] = depth
        yield Layer(
            number=row["number"],
            name=row["name"],
            kind=row["class"],
            parent=row["parent"],
            depth=max(depth, 0),
            sources=tuple(row["sources"]),
            taken=tuple(row["taken"]),
            shapes=tuple(tuple(shape) for shape in row["shapes"]),
            mask_in=_mask(row["mask_in"]),
            mask_out=_mask(row["mask_out"]),
            way=row["verdict"],
            warnings=tuple(row["warnings"]),
        )


def _mask(data: Mapping[str, Any] | None) -> MaskSeen | None:
    return None if data is None else MaskSeen(tuple(data["shape"]), float(data["valid"]))


def _output(
    number: int,
    row: Mapping[str, Any],
    layers: tuple[Layer, ...],
    who: Description,
    data: Mapping[str, Any],
    arrays: Mapping[str, AnyArray],
) -> Output:
    ends = () if row["mask"] is not None else ends_of(layers, row["made_by"])
    mask, meant = _mask(row["mask"]), _mask(row["meant"])
    ways = [layer.way for layer in layers if layer.number in ends]
    return Output(
        name=row["name"],
        shape=tuple(row["shape"]),
        mask=mask,
        meant=meant,
        state=state_of(mask, meant, ways, row["labels"], bool(data["repeats"])),
        lost_at=ends,
        made_by=row["made_by"],
        loss=row["loss"]["name"],
        labels=row["labels"],
        predictions=row["predictions"],
        gradient=_gradient(number, data, arrays),
        family=_family(number, row, who, data, arrays),
    )


def _gradient(
    number: int, data: Mapping[str, Any], arrays: Mapping[str, AnyArray]
) -> Mapping[str, Any]:
    gradient, mask = arrays.get(f"gradient_{number}"), arrays.get(f"mask_{number}")
    if gradient is None:
        return data["gradient"] or {"skipped": "it was not measured"}
    if mask is None or gradient.shape[: mask.ndim] != mask.shape:
        return {"skipped": "its predictions have no masked steps"}
    masked = ~mask.astype(bool)
    largest = {
        "largest_masked": _largest(gradient[masked]),
        "largest_valid": _largest(gradient[~masked]),
    }
    return {**largest, "zero": not np.any(gradient[masked])}


def _largest(values: AnyArray) -> float | str:
    value = float(np.abs(values).max(initial=0.0))
    return value if np.isfinite(value) else str(value)


def _family(
    number: int,
    row: Mapping[str, Any],
    who: Description,
    data: Mapping[str, Any],
    arrays: Mapping[str, AnyArray],
) -> FamilySeen:
    gradient, mask = arrays.get(f"gradient_{number}"), arrays.get(f"mask_{number}")
    if row["mask"] is None or mask is None:
        return FamilySeen(skipped="no mask reaches it")
    if gradient is None:
        return FamilySeen(skipped=data["gradient"].get("skipped", "it was not measured"))
    if data["weighted"]:
        return FamilySeen(skipped="the batch has weights")
    try:
        labels, predictions = arrays[f"label_{number}"], arrays[f"prediction_{number}"]
        case = case_of(row["loss"], labels, predictions, mask)
        return family_of(case, gradient, float(row["loss"]["weight"]), who)
    except NoFormulaError as problem:
        return FamilySeen(skipped=str(problem))


def _longer(
    who: Description, data: Mapping[str, Any], arrays: Mapping[str, AnyArray]
) -> Mapping[str, Any]:
    """Whether the loss changed by more than rounding may change it."""
    longer = dict(data["longer"])
    if "skipped" in longer:
        return longer
    before, after = float(longer["before"]), float(longer["after"])
    allowed = sum(_allowed(n, row, who, arrays) for n, row in enumerate(data["outputs"]))
    unit = float(np.finfo(np.float32).eps) / 2
    allowed += (len(data["outputs"]) + 1) * unit * max(abs(before), abs(after))
    off = abs(after - before)
    return {**longer, "allowed": allowed, "matters": not off <= allowed}


def _allowed(
    number: int, row: Mapping[str, Any], who: Description, arrays: Mapping[str, AnyArray]
) -> float:
    """What rounding allows one output's loss to differ between the two lengths.

    Twice the error of the loss itself, and what the predictions of the valid steps changed, times
    the gradient there.
    """
    prediction, label = arrays[f"prediction_{number}"], arrays[f"label_{number}"]
    mask, longer = arrays[f"mask_{number}"], arrays[f"longer_{number}"]
    moved = np.abs(longer[:, : prediction.shape[1]].astype(np.float64) - prediction)
    gradient = np.abs(arrays.get(f"gradient_{number}", np.ones_like(prediction)))
    felt = float((moved * gradient)[mask.astype(bool)].sum())
    weight = abs(float(row["loss"]["weight"]))
    radius = None
    with contextlib.suppress(NoFormulaError):
        radius = value_radius(case_of(row["loss"], label, prediction, mask), who)
    if radius is None:
        # Of a loss without a formula here the sum alone is bounded; 1 stands for its size.
        radius = sum_radius(longer.size, 1.0, prediction.dtype.name)
    return 2 * weight * radius + felt
