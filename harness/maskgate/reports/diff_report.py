"""A comparison of two subjects as the JSON document that people build on."""

from __future__ import annotations

import json
from collections import Counter
from importlib import resources
from typing import Any

from maskgate import __version__
from maskgate.verdicts.difference import DIFF_VERDICTS, LABELS, Comparison


def diff_to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data for JSON: schema 1, NaN and infinities as strings."""
    verdicts = Counter(each.verdict for each in comparison.differences)
    labels = Counter(each.cause.label for each in comparison.differences)
    return {
        "schema": 1,
        "kind": "diff",
        "tool": {"name": "maskgate", "version": __version__},
        "seconds": round(comparison.seconds, 3),
        "exit_status": comparison.exit_status,
        "run": dict(comparison.run),
        "subjects": {side: dict(who) for side, who in comparison.subjects.items()},
        "followed": {side: dict(counts) for side, counts in comparison.followed.items()},
        "examples": comparison.examples,
        "differing": comparison.differing,
        "differences": [each.to_dict() for each in comparison.differences],
        "failures": [vars(failure) for failure in comparison.failures],
        "counts": {
            **{verdict: verdicts[verdict] for verdict in DIFF_VERDICTS},
            **{label: labels[label] for label in LABELS},
        },
    }


def diff_json_text(comparison: Comparison) -> str:
    """The JSON document, without a final line break."""
    return json.dumps(diff_to_json(comparison), indent=1, allow_nan=False)


def diff_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of that document."""
    text = resources.files("maskgate.reports").joinpath("schema/diff.schema.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded
