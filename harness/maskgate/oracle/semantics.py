"""Which formula a release follows: its family, and the small things that differ inside a family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maskgate.oracle.ball import DoesNotFit

Path = Literal["direct", "compiled"]
Normalizing = Literal[
    "squares-floored-1e-12", "squares-floored-epsilon", "norm-floored", "inverse-capped"
]
PATHS: tuple[Path, ...] = ("direct", "compiled")

FAMILIES = (
    "objective",
    "objective-epsilon",
    "all-elements",
    "valid-twice",
    "valid-epsilon",
    "valid-no-nan",
    "valid-where",
)

_BASIC = ("sum_over_batch_size", "sum", "none")


@dataclass(frozen=True)
class Generation:
    """What a stretch of releases has in common below the level of the family.

    Attributes:
        name: the first release of the stretch.
        alignment: how ranks are brought together, a key of `alignment.ALIGNMENTS`.
        reductions: the reductions it knows.
        guards_empty: whether the mean over no element is 0, not NaN.
        returns_short: whether losses of shape () and (0,) are returned as they are (Keras 3).
        reduces_in: dtype in which losses and weights are reduced; None: the loss's own.
        casts_weights: whether weights are cast to the mask's dtype before both are multiplied.
        own_mask: whether a loss object looks at the mask of `y_pred` itself (2.11 on).
        out_mask: whether it looks at the mask that `ignore_class` sets (2.10 on).
        dialect: which definitions of the element losses it has: `keras-2` or `keras-3`.
        smoothing_axis: axis whose length divides categorical label smoothing: the `last`, the
            `second` (time steps, where there are any) or the loss's own `axis`.
        ignoring: what happens to predictions of ignored classes: taken out of the batch
            (`gather`), multiplied by 0 (`multiply`) or replaced (`where`).
        normalizing: how the cosine keeps its norms from 0: the sum of squares is at least 1e-12 or
            epsilon, the norm at least epsilon, or its inverse at most 1 / epsilon.
        typed_constants: whether constants such as epsilon and delta are made in the dtype of the
            predictions; else they are float32 tensors, which TensorFlow mixes with no other dtype.
        typed_smoothing: the same of label smoothing alone.
        typed_zero: the same of what the categorical hinge and the log-cosh are made with.
        signs_labels: whether the hinge takes labels 0 and 1 for -1 and 1.
        entropy_by_logits: whether binary cross-entropy turns probabilities back into logits.
        averages_huber: whether the Huber loss averages the last axis away.
        log_of_cosh: whether log-cosh is the logarithm of `(exp(x) + exp(-x)) / 2`, which overflows.
        flat_classes: whether losses of class ids come flat, `(N,)`, where predictions have more
            axes than samples, steps and classes.
    """

    name: str
    alignment: str
    reductions: tuple[str, ...] = _BASIC
    guards_empty: bool = False
    returns_short: bool = False
    reduces_in: str | None = None
    casts_weights: bool = True
    own_mask: bool = True
    out_mask: bool = True
    dialect: Literal["keras-2", "keras-3"] = "keras-3"
    smoothing_axis: Literal["last", "second", "axis"] = "last"
    ignoring: Literal["gather", "multiply", "where"] = "multiply"
    normalizing: Normalizing = "inverse-capped"
    typed_constants: bool = True
    typed_smoothing: bool = True
    typed_zero: bool = True
    signs_labels: bool = True
    entropy_by_logits: bool = False
    averages_huber: bool = True
    log_of_cosh: bool = False
    flat_classes: bool = False


def _keras_2(name: str, **switches: object) -> Generation:
    common: dict[str, object] = {"dialect": "keras-2", "ignoring": "gather", "guards_empty": True}
    common["normalizing"] = "squares-floored-1e-12"
    return Generation(name=name, **{"alignment": "keras-2.4", **common, **switches})  # type: ignore[arg-type]


def _keras_3(name: str, **switches: object) -> Generation:
    common: dict[str, object] = {"alignment": "keras-3.0.5", "returns_short": True}
    return Generation(name=name, **{**common, **switches})  # type: ignore[arg-type]


_MEANS = ("sum_over_batch_size", "sum", "none", "mean", "mean_with_sample_weight")
_NO_MASK = {"own_mask": False, "out_mask": False}

GENERATIONS: dict[str, Generation] = {
    generation.name: generation
    for generation in (
        _keras_2(
            "objective",
            alignment="objective",
            reductions=("sum_over_batch_size",),
            guards_empty=False,
            typed_zero=False,
            signs_labels=False,
            entropy_by_logits=True,
            **_NO_MASK,
        ),
        _keras_2(
            "objective-2.0",
            alignment="objective",
            reductions=("sum_over_batch_size",),
            guards_empty=False,
            typed_zero=False,
            signs_labels=False,
            entropy_by_logits=True,
            log_of_cosh=True,
            flat_classes=True,
            **_NO_MASK,
        ),
        _keras_2(
            "keras-2.3.0",
            alignment="keras-2.3",
            guards_empty=False,
            typed_zero=False,
            smoothing_axis="second",
            averages_huber=False,
            **_NO_MASK,
        ),
        _keras_2("keras-2.4.0", reduces_in="float32", typed_smoothing=False, **_NO_MASK),
        _keras_2("keras-2.7.0", reduces_in="float32", **_NO_MASK),
        _keras_2("keras-2.9.0", **_NO_MASK),
        _keras_2("keras-2.10.0", own_mask=False, casts_weights=False),
        _keras_2("keras-2.11.0", casts_weights=False),
        _keras_2("keras-2.12.0"),
        _keras_2("keras-2.14.0", smoothing_axis="axis"),
        _keras_3(
            "keras-3.0.0",
            alignment="keras-3.0.0",
            normalizing="squares-floored-epsilon",
            typed_constants=False,
        ),
        _keras_3("keras-3.0.5", normalizing="norm-floored", typed_constants=False),
        _keras_3("keras-3.4.0", normalizing="norm-floored"),
        _keras_3("keras-3.6.0"),
        _keras_3("keras-3.7.0", reductions=_MEANS, guards_empty=True),
        _keras_3("keras-3.15.0", reductions=_MEANS, guards_empty=True, ignoring="where"),
    )
}

_FIRST_GENERATION = {
    "objective": "objective",
    "objective-epsilon": "objective",
    "all-elements": "keras-2.9.0",
    "valid-twice": "keras-2.14.0",
    "valid-epsilon": "keras-3.7.0",
    "valid-no-nan": "keras-3.7.0",
    "valid-where": "keras-3.15.0",
}


@dataclass(frozen=True)
class Semantics:
    """The formula of one release, on one way of asking it.

    Attributes:
        family: one of `FAMILIES`: how mask and weights enter the loss.
        generation: a key of `GENERATIONS`; empty for the family's most recent one.
        epsilon: the fuzz factor, before it is rounded to the dtype.
        path: `direct` for `loss(y_true, y_pred, sample_weight)`, `compiled` for the loss of a
            compiled model, which folds the mask into the weights itself up to Keras 2.15.
        elements: the generation whose element losses are used, where it is another one: the
            seed's function is asked over the losses of a framework. Empty for the same one.
        narrows: whether float64 may be computed in float32, operation by operation: Keras 3 takes
            float64 for float32 in its rules of promotion on JAX and torch.
        in_place: whether weights are multiplied by the mask in place, so that they must have the
            shape of the product: on torch.
        loses_mask: whether a mask is lost where the code is traced, for the gradient too: a tracer
            of JAX takes no attribute, which is where Keras 3.0 to 3.5 keeps the mask.
        nan_where_ignored: whether the gradient of a row that `ignore_class` takes out is NaN: Keras
            before 3.15 multiplies its probabilities by 0, and JAX and torch divide them by their
            sum.
        nan_where_divided: whether the gradient of a division by 0 is NaN though its value is not:
            on torch before 3.15.
        joins_integer_masks: whether `mask & out_mask` takes an integer mask: on JAX and torch.
        weak_constants: whether a number that Keras makes a tensor takes the dtype it meets: on JAX.
        by_log_sigmoid: whether the binary cross-entropy of logits is computed from the logarithm of
            the sigmoid: on torch.
        squares_divisors: whether the derivative of a quotient takes the divisor to the power -2
            first, which overflows sooner: on JAX.
    """

    family: str
    generation: str = ""
    epsilon: float = 1e-7
    path: Path = "direct"
    elements: str = ""
    narrows: bool = False
    in_place: bool = False
    loses_mask: bool = False
    nan_where_ignored: bool = False
    nan_where_divided: bool = False
    joins_integer_masks: bool = False
    weak_constants: bool = False
    by_log_sigmoid: bool = False
    squares_divisors: bool = False

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {', '.join(FAMILIES)}; got {self.family!r}")
        if not self.generation:
            object.__setattr__(self, "generation", _FIRST_GENERATION[self.family])
        for name in (self.generation, self.elements or self.generation):
            if name not in GENERATIONS:
                known = ", ".join(GENERATIONS)
                raise ValueError(f"generation must be one of {known}; got {name!r}")
        if self.path not in PATHS:
            raise ValueError(f"path must be direct or compiled; got {self.path!r}")

    @property
    def rules(self) -> Generation:
        """How losses are reduced."""
        return GENERATIONS[self.generation]

    @property
    def element_rules(self) -> Generation:
        """How element losses are defined."""
        return GENERATIONS[self.elements or self.generation]


def check_reduction(reduction: str, rules: Generation) -> None:
    """Raise `DoesNotFit` where a generation does not know a reduction."""
    if reduction not in rules.reductions:
        raise DoesNotFit(f"reduction {reduction} does not exist in {rules.name}")
