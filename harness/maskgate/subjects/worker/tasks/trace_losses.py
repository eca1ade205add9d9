"""The losses that a model is compiled with, as plain data."""

from __future__ import annotations

import contextlib
from typing import Any

from .trace_target import TraceProblem


def by_output(value: Any, names: list[str]) -> list[Any]:
    """What each output gets of a value given once, as a list or by name."""
    if isinstance(value, dict):
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        return list(flat_list(value)) if len(value) == len(names) else [None] * len(names)
    return [value] * len(names)


def flat_list(value: Any) -> Any:
    """Nested lists of one element, as some releases wrap losses, opened."""
    for item in value:
        yield item[0] if isinstance(item, (list, tuple)) and len(item) == 1 else item


def described_loss(keras: Any, loss: Any, weight: float) -> dict[str, Any]:
    """A compiled loss as plain data."""
    if loss is None:
        nothing = {"name": "", "built_in": False, "reduction": "", "config": {}}
        return dict(nothing, weight=weight)
    text = loss if isinstance(loss, str) else ""
    if text:
        with contextlib.suppress(Exception):
            loss = keras.losses.get(text)
    owner = loss if hasattr(loss, "__name__") else type(loss)
    config: Any = {}
    with contextlib.suppress(Exception):
        config = loss.get_config()
    plain = {k: v for k, v in config.items() if v is None or isinstance(v, (bool, int, float))}
    if isinstance(config.get("reduction"), str):
        plain["reduction"] = config["reduction"]
    reduction = str(getattr(loss, "reduction", None) or plain.pop("reduction", "auto"))
    plain.pop("reduction", None)
    own = str(getattr(owner, "__module__", "")).split(".")[0]
    return {
        "name": str(owner.__name__),
        "built_in": own in ("keras", "tf_keras", "tensorflow"),
        "reduction": reduction,
        "config": plain,
        "weight": weight,
    }


def check_has_loss(asked: str, losses: list[dict[str, Any]]) -> None:
    """Raise `TraceProblem` where a compiled model has no loss that looks at labels."""
    if not any(loss["name"] for loss in losses):
        found = "the model is compiled without a loss"
        raise TraceProblem(asked, found, "compile it with the loss that it is trained with")
