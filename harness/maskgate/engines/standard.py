"""What answers are held against: the family's formula, for a built-in loss or a user's own."""

from __future__ import annotations

import numpy as np

from maskgate.case import Case
from maskgate.engines.own_loss import OwnLoss
from maskgate.oracle import Ball, Expected, Measured, Refused, Semantics, expect


class Standard:
    """The formula of a subject's release.

    Args:
        semantics: of the release.
        own: a user's own loss, of whose elements no formula is known; None for the built-in ones.
    """

    def __init__(self, semantics: Semantics, own: OwnLoss | None) -> None:
        self.semantics, self.own = semantics, own

    def expect(
        self,
        case: Case,
        *,
        gradient: bool = True,
        semantics: Semantics | None = None,
        singly: bool = False,
        traced: bool = False,
        excess_precision: bool = False,
    ) -> Expected | Refused:
        """What the family says of a case: of a user's own loss, of its own elements.

        Args:
            case: the case.
            gradient: whether the gradient is wanted.
            semantics: of another subject; None for this one's.
            singly: see `OwnLoss.expect`.
            traced: as in `oracle.expect`.
            excess_precision: likewise.
        """
        elements = None
        if self.own is not None and case.loss.own:
            elements = self.own.elements(case, singly=singly)
            if elements is None:
                return Refused("its element losses cannot be asked one by one")
        said = expect(
            case,
            semantics or self.semantics,
            gradient=gradient,
            traced=traced,
            excess_precision=excess_precision,
            elements=elements,
        )
        if elements is None or case.loss.role != "metric" or isinstance(said, Refused):
            return said
        return self._weighted_mean(case, elements) or said

    def _weighted_mean(self, case: Case, elements: Measured) -> Expected | None:
        """What a metric makes of its elements: it divides by the sum of the weights, so that its
        error does not shrink with them, as that of a loss does. None where that sum may be 0."""
        ones = np.ones(elements.value.shape)
        each = Measured(ones, 0.0 * ones, 0.0 * elements.slope, 0.0 * elements.slope)
        sums = [
            expect(case.with_(reduction="sum"), self.semantics, gradient=False, elements=summed)
            for summed in (elements, each)
        ]
        if any(isinstance(one, Refused) for one in sums):
            return None
        total, count = (one.value for one in sums if isinstance(one, Expected))
        certain = np.abs(count.value) - count.radius
        if not (certain > 0.0).all():
            return None
        value = total.value / count.value
        radius = (total.radius + np.abs(value) * count.radius) / certain
        return Expected(Ball(value, radius + 2 * case.format.unit_roundoff * np.abs(value)), None)

    def element_sum(self, case: Case) -> float | None:
        """Sum of the magnitudes of a case's element losses; None where they are refused."""
        bare = case.with_(reduction="none", mask=None, sample_weight=None)
        # Whatever the subject's reductions; the generations' elements differ by an epsilon.
        found = self.expect(bare, gradient=False, semantics=Semantics("valid-where"))
        return float(abs(found.value.value).sum()) if isinstance(found, Expected) else None
