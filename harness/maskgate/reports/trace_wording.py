"""What reports of a trace for people say, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maskgate.engines.trace_found import Layer, MaskSeen, Output, Trace
from maskgate.reports.wording import brief, subject_line

COLUMNS = ("layer", "class", "output", "mask", "valid", "way")

# What an output's loss does with the labels of masked steps, by its state.
STATE_WORDS = {
    "ignored": "masked labels ignored",
    "matter": "masked labels matter",
    "lost": "the mask is lost",
    "used": "the mask is used up",
    "none": "no mask",
    "unclear": "not told",
}
_MOVED = {
    True: "they matter: after a step the weights are others",
    False: "ignored: after a step the weights are the same, bit for bit",
    None: "not told: the same step twice does not give the same weights",
}


def layer_rows(found: Trace) -> list[tuple[str, ...]]:
    """One row a layer: name, class, shape of the output, of the mask, share of valid steps, way."""
    return [
        (
            "  " * layer.depth + layer.name,
            layer.kind,
            " ".join(shape_text(shape) for shape in layer.shapes),
            *mask_cells(layer),
            way_text(layer),
        )
        for layer in found.layers
        if layer.number
    ]


def mask_cells(layer: Layer) -> tuple[str, str]:
    """Shape and valid share of the mask that goes out."""
    mask = layer.mask_out
    return ("-", "-") if mask is None else (shape_text(mask.shape), valid_text(mask))


def valid_text(mask: MaskSeen) -> str:
    """The share of valid steps, in whole per cent."""
    return f"{mask.valid:.0%}"


def shape_text(shape: tuple[int, ...]) -> str:
    """`4x6x1`."""
    return "x".join(map(str, shape)) or "scalar"


def output_title(name: str) -> str:
    """An output by its name; Keras calls one that has none `output`."""
    return name if name == "output" else f"output {name}"


def way_text(layer: Layer) -> str:
    """What became of the mask."""
    if layer.mask_out is not None and any("destroy the mask" in text for text in layer.warnings):
        # Keras 3 warns so of every nested functional model, whatever its layers do.
        return f"{layer.way}, despite its warning"
    return {"none": "", "lost before": "lost before it"}.get(layer.way, layer.way)


def who_line(found: Trace) -> str:
    """Who ran it, and on what batch."""
    shapes = ", ".join(f"{shape_text(shape)} {dtype}" for shape, dtype in found.inputs)
    batch = "made up from its inputs" if found.made_up else "given"
    return f"{found.subject['id']}: {subject_line(found.subject)}; batch {batch}: {shapes}"


def facts_of(output: Output) -> Iterator[tuple[str, str]]:
    """What was measured of one output."""
    if output.mask is not None:
        text = f"{shape_text(output.mask.shape)}, {valid_text(output.mask)} valid"
        yield "mask at the loss", text
    elif output.meant is not None:
        yield "mask at the loss", "none: it was lost on the way"
    else:
        yield "mask at the loss", "none"
    yield "labels", _changes(output.labels, "loss")
    if "skipped" not in output.labels:
        moved = _MOVED[output.labels["training_matters"]]
        yield "in training", moved
    yield "predictions", _changes(output.predictions, "loss")
    yield "gradient", _gradient(output.gradient)
    yield "divided by", _family(output)


def facts(found: Trace) -> Iterator[tuple[str, str]]:
    """What was measured of the whole model."""
    yield "more padding", _longer(found.longer)
    yield "all masked", _all_masked(found.all_masked)
    yield "metrics", _metrics(found)


def _changes(measured: Mapping[str, Any], what: str) -> str:
    if "skipped" in measured:
        return f"not measured: {measured['skipped']}"
    if not measured["matters"]:
        return f"ignored at masked steps: the {what} stays {_number(measured['before'])}"
    before, after = _number(measured["before"]), _number(measured["after"])
    return f"they matter at masked steps: the {what} goes from {before} to {after}"


def _gradient(gradient: Mapping[str, Any]) -> str:
    if "skipped" in gradient:
        return f"not measured: {gradient['skipped']}"
    valid = f"up to {_number(gradient['largest_valid'])} at valid ones"
    if gradient["zero"]:
        return f"0 at masked steps, {valid}"
    return f"up to {_number(gradient['largest_masked'])} at masked steps, {valid}"


def _family(output: Output) -> str:
    family = output.family
    if family.skipped:
        return f"not told: {family.skipped}"
    if not family.fits:
        return f"no family's formula; the nearest is {family.nearest}"
    rest = [name for name in family.fits if name != family.nearest]
    also = f"; so would {', '.join(rest)} on this batch" if rest else ""
    return f"{family.denominator} (family {family.nearest}{also})"


def _longer(longer: Mapping[str, Any]) -> str:
    if "skipped" in longer:
        return f"not measured: {longer['skipped']}"
    steps = f"{longer['steps']} masked steps more"
    before, after = _number(longer["before"]), _number(longer["after"])
    if longer["matters"]:
        return f"it matters: with {steps} the loss goes from {before} to {after}"
    off = abs(float(longer["after"]) - float(longer["before"]))
    allowed = f"rounding may change it by {float(longer['allowed']):.2g}"
    return f"no matter: {steps} change the loss by {off:.2g}, where {allowed}"


def _all_masked(measured: Mapping[str, Any]) -> str:
    if "skipped" in measured:
        return f"not measured: {measured['skipped']}"
    loss = _number(measured["loss"])
    words = {
        "same": "a training step leaves the weights as they were, bit for bit",
        "changed": f"a training step moves weights by up to {_number(measured['largest_change'])}",
        "nan": "a training step turns weights into NaN",
    }
    return f"loss {loss}; {words[measured['weights']]}"


def _metrics(found: Trace) -> str:
    asked = [metric for output in found.outputs for metric in output.labels.get("metrics", ())]
    if not asked:
        return "none asked"
    if not found.metrics:
        return "none counts masked steps"
    return "; ".join(
        f"{metric['name']} counts masked steps: from {_number(metric['before'])} "
        f"to {_number(metric['after'])}"
        for metric in found.metrics
    )


def _number(value: Any) -> str:
    return brief(float(value))
