"""The examination of a subject by one property, with what is listed for its family."""

from __future__ import annotations

from collections.abc import Sequence

from maskgate.case import LossSpec
from maskgate.engines.examination import Examination
from maskgate.engines.listing import listed
from maskgate.engines.own_layer import OwnLayer, layer_introduced
from maskgate.engines.own_loss import OwnLoss, introduced
from maskgate.subjects.protocol import Description, Subject
from maskgate.verdicts.deviations import KnownDeviation

SHIPPED = "known_deviations.json"


def own_of(
    loss: LossSpec, subject: Subject, description: Description
) -> tuple[OwnLoss, Description]:
    """What is checked of a user's own, and the description with notes on it."""
    if loss.role == "layer":
        return OwnLayer(loss, subject, description), layer_introduced(description, loss)
    return OwnLoss(loss, subject, description), introduced(description, loss)


def examine(
    subject: Subject,
    description: Description,
    name: str,
    known: Sequence[KnownDeviation] = (),
    peers: Sequence[Subject] = (),
    own: OwnLoss | None = None,
    *,
    kind: type[Examination] = Examination,
) -> Examination:
    """The examination of a subject by one property, with the deviations listed for its family."""
    semantics = listed(description).semantics
    others = [peer.describe() for peer in peers]

    def about(each: KnownDeviation) -> bool:
        here = each.applies(semantics.family, description)
        if not others or not each.backends:
            return here
        # Where backends are compared, an entry names those that part with the rest: two of them
        # agree.
        return any(each.applies(semantics.family, who) != here for who in others)

    return kind(
        subject=subject,
        description=description,
        semantics=semantics,
        property_name=name,
        known=[each for each in known if each.property == name and about(each)],
        peers=peers,
        own=own,
    )
