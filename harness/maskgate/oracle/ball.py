"""What `expect` answers."""

from __future__ import annotations

from dataclasses import dataclass

from maskgate.case import FloatArray


@dataclass(frozen=True, eq=False)
class Ball:
    """Exact values and how far from them a subject may be.

    Attributes:
        value: float64, the exact values of the formula; NaN and infinity are values.
        radius: float64, of `value`'s shape: the absolute error allowed to a subject of the case's
            dtype. 0 with a NaN or infinite value: exactly that. Infinite: rounding decides, and
            anything is accepted, NaN and infinity included.
    """

    value: FloatArray
    radius: FloatArray


@dataclass(frozen=True, eq=False)
class Expected:
    """The loss that the formula gives.

    Attributes:
        value: of the shape the subject must return.
        gradient: of the sum of the loss with respect to `y_pred`, of its shape; None if not asked.
    """

    value: Ball
    gradient: Ball | None


@dataclass(frozen=True)
class Refused:
    """The family's formula cannot be applied: the subject must raise.

    Attributes:
        reason: what does not fit, one clause.
    """

    reason: str


class DoesNotFit(Exception):
    """Raised inside the oracle where a formula cannot be applied; `expect` answers `Refused`."""
