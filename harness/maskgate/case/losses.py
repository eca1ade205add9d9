"""Which loss a case asks for: its public short name and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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

    Raises:
        ValueError: for a loss or a parameter that does not exist, named in the message.
    """

    name: str
    parameters: tuple[tuple[str, Parameter], ...] = ()

    def __post_init__(self) -> None:
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

    @property
    def kind(self) -> LossKind:
        """What is common to every use of this loss."""
        return KINDS[self.name]

    @property
    def axis(self) -> int:
        """The axis of the predictions that the element loss reduces."""
        return int(self["axis"] or 0) if "axis" in self.kind.parameters else -1

    def __getitem__(self, key: str) -> Parameter:
        """The value of a parameter: as given, or its default."""
        return dict(self.parameters).get(key, self.kind.parameters[key])

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.parameters)
        return f"{self.name}({inside})" if inside else self.name
