"""Whether what a run is asked to check of a user's own can be that, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from maskgate.case import LossSpec
from maskgate.engines.problems import UsageProblem

OLDEST_WITH_LAYERS = (2, 4)


class OfOnesOwn(Protocol):
    """The part of a request that names something of the user's."""

    @property
    def subjects(self) -> Sequence[str]:
        """Subjects as the user wrote them."""
        ...

    @property
    def loss(self) -> str | None:
        """`pkg.module:NAME`."""
        ...

    @property
    def metric(self) -> str | None:
        """Likewise."""
        ...

    @property
    def layer(self) -> str | None:
        """Likewise."""
        ...

    @property
    def like(self) -> str | None:
        """A built-in loss."""
        ...


def check_own(request: OfOnesOwn) -> None:
    """Refuse what cannot name a loss, metric or layer of the user's.

    Raises:
        UsageProblem: in one sentence.
    """
    named = [(f"--{what}", getattr(request, what)) for what in ("loss", "metric", "layer")]
    given = [(option, name) for option, name in named if name is not None]
    if len(given) > 1:
        hint = "check them one after the other"
        asked = " with ".join(option for option, _ in given)
        raise UsageProblem(asked, "both are named" if len(given) == 2 else "all are named", hint)
    if (not given or request.layer is not None) and request.like is not None:
        hint = "name it with --loss pkg.module:NAME"
        raise UsageProblem(f"--like {request.like}", "there is no loss of yours to compare", hint)
    for option, name in given:
        if not re.fullmatch(r"[\w.]+:[\w.]+", name):
            found = "it is not of the form pkg.module:NAME"
            raise UsageProblem(f"{option} {name}", found, "write it like losses:MyLoss")
    if request.like is not None:
        try:
            LossSpec.parse(request.like)
        except ValueError as problem:
            hint = "name a built-in loss"
            raise UsageProblem(f"--like {request.like}", str(problem), hint) from problem
    if request.layer is not None:
        _refuse_old(request.layer, request.subjects)


def _refuse_old(layer: str, subjects: Sequence[str]) -> None:
    """Refuse named environments whose layers cannot be called on a batch."""
    for subject in subjects:
        named = re.match(r"(?:tf_)?keras-(\d+)\.(\d+)", subject)
        if named and tuple(map(int, named.groups())) < OLDEST_WITH_LAYERS:
            found = f"layers of {subject} take no arrays, only graphs do"
            hint = "check a layer of your own on Keras 2.4 or newer"
            raise UsageProblem(f"--layer {layer}", found, hint)
