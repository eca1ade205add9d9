"""What a trace of a user's model found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maskgate.case import AnyArray
from maskgate.verdicts.difference import Failure

AS_EXPECTED, UNEXPECTED, WRONG_USAGE, SUBJECT_FAILED = 0, 1, 2, 3

# What becomes of a mask in a layer.
WAYS = (
    "made",
    "kept",
    "changed",
    "used",
    "dropped silently",
    "dropped with a warning",
    "lost before",
    "none",
)
LOST = ("dropped silently", "dropped with a warning", "lost before")

# What an output's loss does with the labels of masked steps.
STATES = ("ignored", "matter", "lost", "used", "none", "unclear")


@dataclass(frozen=True)
class MaskSeen:
    """A mask: its shape and the share of its valid steps."""

    shape: tuple[int, ...]
    valid: float


@dataclass(frozen=True)
class Layer:
    """One call of one layer.

    Attributes:
        number: its number; the model itself is 0.
        name: the layer's name.
        kind: its class name.
        parent: number of the model or layer that it is called in; None for the model itself.
        depth: how many of those there are, the model itself not counted.
        sources: for each input the number of the layer that made it; -1 for an input of the
            enclosing model, -2 where an operation that is no layer made it.
        taken: for each input its number among the inputs of the whole model, or None.
        shapes: shape of each output.
        mask_in: the mask that comes in, or None.
        mask_out: the mask that goes out, or None.
        way: what became of the mask, one of `WAYS`.
        warnings: what the layer warned about.
    """

    number: int
    name: str
    kind: str
    parent: int | None
    depth: int
    sources: tuple[int, ...]
    taken: tuple[int | None, ...]
    shapes: tuple[tuple[int, ...], ...]
    mask_in: MaskSeen | None
    mask_out: MaskSeen | None
    way: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FamilySeen:
    """What the loss of an output divides by, told from its gradient.

    Attributes:
        fits: the families whose formula gives the gradient within its error bound; `mask-ignored`
            is the subject's own formula without the mask.
        nearest: the first of those, the subject's own family if it is one; where none fits, the one
            that is nearest.
        denominator: what that divides by, in words.
        skipped: why it is not known; empty where it is.
    """

    fits: tuple[str, ...] = ()
    nearest: str = ""
    denominator: str = ""
    skipped: str = ""


@dataclass(frozen=True)
class Output:
    """One output of the model and its loss.

    Attributes:
        name: its name.
        shape: shape of its predictions.
        mask: the mask that reaches the loss, or None.
        meant: the mask that says which steps are padding: `mask`, or the one that was lost.
        state: what the loss does with the labels of masked steps, one of `STATES`.
        lost_at: numbers of the layers that end the mask on the way to this output.
        made_by: number of the layer that makes it; negative where that is no layer.
        loss: name of its loss.
        labels: `before`, `after`, `matters`, `training_matters`, `metrics`; or `skipped`.
        predictions: `before`, `after`, `matters`; or `skipped`.
        gradient: `largest_masked`, `largest_valid`, `zero`; or `skipped`.
        family: what the loss divides by.
    """

    name: str
    shape: tuple[int, ...]
    mask: MaskSeen | None
    meant: MaskSeen | None
    state: str
    lost_at: tuple[int, ...]
    made_by: int
    loss: str
    labels: Mapping[str, Any]
    predictions: Mapping[str, Any]
    gradient: Mapping[str, Any]
    family: FamilySeen


@dataclass(frozen=True)
class Known:
    """A listed deviation of the subject that is about something that was found.

    Attributes:
        about: what was found, as the reports call it: `labels`, `the way of the mask`,
            `more padding`, `all masked`, `metrics`.
        sentence: what happens.
        link: public thread or finding.
    """

    about: str
    sentence: str
    link: str


@dataclass(frozen=True)
class Trace:
    """Everything that was found about one model.

    Attributes:
        target: what was traced, as the user named it.
        subject: who ran it; empty where it did not start.
        answer: one sentence.
        layers: in the order of their calls; the model itself is first.
        outputs: in the model's order.
        longer: the loss with masked steps added: `steps`, `before`, `after`, `allowed`, `matters`;
            or `skipped`.
        all_masked: a training step on nothing but masked steps: `loss`, `weights` (`same`,
            `changed` or `nan`), `largest_change`; or `skipped`.
        made_up: whether the batch was made up from the model's inputs.
        inputs: shape and dtype of each input.
        notes: what a reader should know.
        known: what is known of what was found.
        arrays: `gradient_N` and `mask_N` of output N, for pictures.
        failures: why there is no answer.
        exit_status: 0 or 1; 2 for wrong usage, 3 where the subject or the model's code failed.
        command: the command line that repeats it.
    """

    target: str
    subject: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""
    layers: tuple[Layer, ...] = ()
    outputs: tuple[Output, ...] = ()
    longer: Mapping[str, Any] = field(default_factory=dict)
    all_masked: Mapping[str, Any] = field(default_factory=dict)
    made_up: bool = True
    inputs: tuple[tuple[tuple[int, ...], str], ...] = ()
    notes: tuple[str, ...] = ()
    known: tuple[Known, ...] = ()
    arrays: Mapping[str, AnyArray] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    exit_status: int = SUBJECT_FAILED
    command: str = ""

    @property
    def metrics(self) -> tuple[Mapping[str, Any], ...]:
        """The metrics that labels of masked steps change, each once."""
        found = {
            str(metric["name"]): metric
            for output in self.outputs
            for metric in output.labels.get("metrics", ())
            if metric["matters"]
        }
        return tuple(found.values())

    def layer(self, number: int) -> Layer:
        """The layer with a number."""
        return next(layer for layer in self.layers if layer.number == number)
