"""A user's own layer under examination: what it takes, and which properties are about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from maskgate.case import Case, LossSpec
from maskgate.engines.catalogue import properties
from maskgate.engines.own_loss import OwnLoss
from maskgate.oracle import Measured
from maskgate.strategies import Scope
from maskgate.subjects.protocol import Description, Subject
from maskgate.verdicts.deviations import KnownDeviation

NOT_ABOUT_LAYERS = "about losses, not layers"


class OwnLayer(OwnLoss):
    """One layer of a user's, in the place that a loss of theirs has.

    Args:
        layer: its name, with the role `layer`.
        subject: answers for it.
        description: who answers.
    """

    def __init__(self, layer: LossSpec, subject: Subject, description: Description) -> None:
        said = description.extra["own"]
        self.loss, self._subject, self.said = layer, subject, said
        self.scope = Scope(layer, features=said["features"], steps=said["steps"])
        self.reduces_itself = True

    def elements(self, case: Case, *, singly: bool = False) -> Measured | None:  # noqa: ARG002
        """None: a layer has no element losses."""
        return None

    def reason_to_skip(self, property_name: str) -> str | None:
        """Why a property is not tried at all: most are about losses."""
        of_layer = {info.name for info in properties() if info.of_layer}
        return None if property_name in of_layer else NOT_ABOUT_LAYERS

    def takes(self, case: Case) -> bool:
        """Whether the layer takes a batch: its features and steps."""
        _, steps, features = case.y_pred.shape
        return features == self.scope.features and self.scope.steps in (None, steps)

    def with_loss(self, entry: KnownDeviation) -> KnownDeviation | None:
        """A deviation that the user has accepted of this layer; None for any other."""
        same = entry.case.loss.name == self.loss.name
        return entry if same and self.takes(entry.case) else None


def layer_introduced(description: Description, layer: LossSpec) -> Description:
    """The description, with notes on the layer and what it is asked with."""
    said: Any = description.extra["own"]
    what = {"class": "a class", "function": "made by a function"}.get(said["form"], "an object")
    steps = "any number of" if said["steps"] is None else said["steps"]
    given = f"asked with batches of {steps} steps and {said['features']} features"
    kinds = " and ".join(sorted({"without steps" if p else "with steps" for p in said["pooled"]}))
    refuses = f"; it refuses a mask ({said['refuses']})" if said["refuses"] else ""
    notes = (
        f"the layer under test is {layer.name}, {what}",
        f"{given}; its output is {kinds}{refuses}",
    )
    return replace(description, notes=(*notes, *description.notes))
