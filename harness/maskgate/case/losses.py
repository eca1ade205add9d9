"""Which loss a case asks for: its public short name and its parameters."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Parameter = bool | int | float | str | None


@dataclass(frozen=True)
class LossKind:
    """What is common to every use of one built-in loss.

    Attributes:
        keras_class: class name under `keras.losses`.
        parameters: parameter name -> default, as in Keras 3.15 (2.x has the same defaults).
        labels: `like` the predictions, or integer class ids without the last axis (`sparse`).
        domain: where predictions live: any real number, `positive`, or `probability`.
    """

    keras_class: str
    parameters: Mapping[str, Parameter]
    labels: str = "like"
    domain: str = "real"


KINDS: dict[str, LossKind] = {
    "mse": LossKind("MeanSquaredError", {}),
    "mae": LossKind("MeanAbsoluteError", {}),
    "mape": LossKind("MeanAbsolutePercentageError", {}),
    "msle": LossKind("MeanSquaredLogarithmicError", {}, domain="positive"),
    "huber": LossKind("Huber", {"delta": 1.0}),
    "log_cosh": LossKind("LogCosh", {}),
    "bce": LossKind(
        "BinaryCrossentropy",
        {"from_logits": False, "label_smoothing": 0.0, "axis": -1},
        domain="probability",
    ),
    "binary_focal": LossKind(
        "BinaryFocalCrossentropy",
        {
            "apply_class_balancing": False,
            "alpha": 0.25,
            "gamma": 2.0,
            "from_logits": False,
            "label_smoothing": 0.0,
            "axis": -1,
        },
        domain="probability",
    ),
    "cce": LossKind(
        "CategoricalCrossentropy",
        {"from_logits": False, "label_smoothing": 0.0, "axis": -1},
        domain="probability",
    ),
    "categorical_focal": LossKind(
        "CategoricalFocalCrossentropy",
        {"alpha": 0.25, "gamma": 2.0, "from_logits": False, "label_smoothing": 0.0, "axis": -1},
        domain="probability",
    ),
    "sparse_cce": LossKind(
        "SparseCategoricalCrossentropy",
        {"from_logits": False, "ignore_class": None},
        labels="sparse",
        domain="probability",
    ),
    "kld": LossKind("KLDivergence", {}, domain="probability"),
    "poisson": LossKind("Poisson", {}, domain="positive"),
    "hinge": LossKind("Hinge", {}),
    "squared_hinge": LossKind("SquaredHinge", {}),
    "categorical_hinge": LossKind("CategoricalHinge", {}),
    "cosine": LossKind("CosineSimilarity", {"axis": -1}),
}

REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean", "mean_with_sample_weight")


@dataclass(frozen=True)
class LossSpec:
    """A loss by its short name (a key of `KINDS`) and the parameters that are not at their default.

    A user's own loss has the name that it is imported by, `pkg.module:NAME`, and no parameters.

    Attributes:
        name: short name, or `pkg.module:NAME`.
        parameters: those that are not at their default, sorted.
        like: for a user's own loss, the built-in one that it takes labels and predictions like (and
            computes, if the user says so); None where nothing is said: any real numbers.
        role: `metric` where the name stands for a user's own metric, which is asked like a loss;
            `layer` where it stands for a layer, whose batches cases hold as predictions.

    Raises:
        ValueError: for a loss or a parameter that does not exist, named in the message.
    """

    name: str
    parameters: tuple[tuple[str, Parameter], ...] = ()
    like: LossSpec | None = None
    role: Literal["loss", "metric", "layer"] = "loss"

    def __post_init__(self) -> None:
        if self.own:
            if self.parameters or (self.like is not None and self.like.own):
                raise ValueError(
                    f"loss {self.name} takes no parameters, and is like a built-in one"
                )
            return
        if self.like is not None or self.role != "loss":
            raise ValueError(f"loss {self.name} is a built-in one, and like no other")
        if self.name not in KINDS:
            raise ValueError(f"loss must be one of {', '.join(KINDS)}; got {self.name!r}")
        unknown = [key for key, _ in self.parameters if key not in self.kind.parameters]
        if unknown:
            known = ", ".join(self.kind.parameters) or "none"
            raise ValueError(f"loss {self.name} has no parameter {unknown[0]!r} (it has: {known})")

    @classmethod
    def of(cls, name: str, **parameters: Parameter) -> LossSpec:
        """A loss with the given parameters; those at their default are left out."""
        defaults = KINDS[name].parameters if name in KINDS else {}
        given = {k: v for k, v in parameters.items() if k not in defaults or v != defaults[k]}
        return cls(name, tuple(sorted(given.items())))

    @classmethod
    def parse(cls, text: str) -> LossSpec:
        """A built-in loss as `str` writes it: `mse`, `bce(from_logits=True)`.

        Raises:
            ValueError: for a text of another form, an unknown loss or parameter.
        """
        try:
            written = ast.parse(text.strip(), mode="eval").body
            call = written if isinstance(written, ast.Call) else ast.Call(written, [], [])
            assert isinstance(call.func, ast.Name)
            assert not call.args
            given = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        except (SyntaxError, AssertionError, ValueError):
            example = "a name such as mse or bce(from_logits=True)"
            raise ValueError(f"loss must be {example}; got {text!r}") from None
        spec = cls.of(call.func.id, **given)
        if spec.axis != -1:
            raise ValueError(f"a loss that others are like reduces the last axis; got {text!r}")
        return spec

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LossSpec:
        """The loss that `to_dict` wrote."""
        spec = cls.of(data["name"], **data.get("parameters", {}))
        like, role = data.get("like"), data.get("role", "loss")
        if like is not None:
            spec = replace(spec, like=cls.from_dict(like))
        return spec if role == "loss" else replace(spec, role=role)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `like` and `role` stand there only of a user's own."""
        data: dict[str, Any] = {"name": self.name, "parameters": dict(self.parameters)}
        if self.like is not None:
            data["like"] = self.like.to_dict()
        return data if self.role == "loss" else {**data, "role": self.role}

    @property
    def own(self) -> bool:
        """Whether this is a user's own loss."""
        return ":" in self.name

    @property
    def definition(self) -> LossSpec:
        """The built-in loss whose labels and predictions this one takes; itself if built in."""
        return (self.like or _ANY_NUMBERS) if self.own else self

    @property
    def kind(self) -> LossKind:
        """What is common to every use of this loss."""
        if not self.own:
            return KINDS[self.name]
        return replace(self.definition.kind, keras_class=self.name)

    @property
    def axis(self) -> int:
        """The axis of the predictions that the element loss reduces."""
        return int(self["axis"] or 0) if "axis" in self.kind.parameters else -1

    def __getitem__(self, key: str) -> Parameter:
        """The value of a parameter: as given, or its default."""
        return dict(self.definition.parameters).get(key, self.kind.parameters[key])

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.parameters)
        return f"{self.name}({inside})" if inside else self.name


_ANY_NUMBERS = LossSpec("mse")
