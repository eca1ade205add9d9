"""What answers are held against: the family's formula, for a built-in loss or a user's own."""

from __future__ import annotations

from maskgate.case import Case
from maskgate.engines.own_loss import OwnLoss
from maskgate.oracle import Expected, Refused, Semantics, expect


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
        return expect(
            case,
            semantics or self.semantics,
            gradient=gradient,
            traced=traced,
            excess_precision=excess_precision,
            elements=elements,
        )

    def element_sum(self, case: Case) -> float | None:
        """Sum of the magnitudes of a case's element losses; None where they are refused."""
        bare = case.with_(reduction="none", mask=None, sample_weight=None)
        # Whatever the subject's reductions; the generations' elements differ by an epsilon.
        found = self.expect(bare, gradient=False, semantics=Semantics("valid-where"))
        return float(abs(found.value.value).sum()) if isinstance(found, Expected) else None
