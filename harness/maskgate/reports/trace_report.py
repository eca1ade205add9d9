"""A trace as the JSON document that people build on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

import numpy as np

from maskgate import __version__
from maskgate.case import AnyArray, number_to_json
from maskgate.engines.trace_found import Layer, Output, Trace


def trace_to_json(found: Trace) -> dict[str, Any]:
    """The trace as plain data for JSON: schema 1, NaN and infinities as strings."""
    return {
        "schema": 1,
        "kind": "trace",
        "tool": {"name": "maskgate", "version": __version__},
        "exit_status": found.exit_status,
        "command": found.command,
        "target": found.target,
        "subject": dict(found.subject),
        "answer": found.answer,
        "batch": {
            "made_up": found.made_up,
            "inputs": [{"shape": list(shape), "dtype": dtype} for shape, dtype in found.inputs],
        },
        "layers": [_layer(layer) for layer in found.layers],
        "outputs": [
            _output(output, found.arrays.get(f"gradient_{number}"))
            for number, output in enumerate(found.outputs)
        ],
        "longer": _plain(found.longer),
        "all_masked": _plain(found.all_masked),
        "metrics_counting_masked_steps": [_plain(metric) for metric in found.metrics],
        "known": [asdict(known) for known in found.known],
        "notes": list(found.notes),
        "failures": [vars(failure) for failure in found.failures],
    }


def trace_json_text(found: Trace) -> str:
    """The JSON document, without a final line break."""
    return json.dumps(trace_to_json(found), indent=1, allow_nan=False)


def trace_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of that document."""
    text = resources.files("maskgate.reports").joinpath("schema/trace.schema.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def by_step(gradient: AnyArray) -> AnyArray:
    """The largest size of a gradient over what is behind batch and time: shape `(batch, time)`."""
    flat = np.abs(gradient.reshape(*gradient.shape[:2], -1).astype(np.float64))
    return np.asarray(flat.max(axis=2)) if flat.size else flat.sum(axis=2)


def _layer(layer: Layer) -> dict[str, Any]:
    data = asdict(layer)
    return {**data, "sources": list(layer.sources), "warnings": list(layer.warnings)}


def _output(output: Output, gradient: AnyArray | None) -> dict[str, Any]:
    data = {name: _plain(value) for name, value in asdict(output).items()}
    steps = None
    if gradient is not None and gradient.ndim > 1:
        steps = [[number_to_json(value) for value in row] for row in by_step(gradient)]
    return {**data, "gradient_by_step": steps}


def _plain(value: Any) -> Any:
    """Nested data as JSON has it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return number_to_json(value)
    return value
