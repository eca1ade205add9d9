"""What a run draws cases for: every built-in loss, or one loss of the user's and what it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import SkipTest

from maskgate.case import REDUCTIONS, LossSpec
from maskgate.strategies.blocks import decoded
from maskgate.strategies.contents import DTYPES
from maskgate.strategies.weights import WEIGHT_KINDS


class NotTaken(SkipTest):
    """The loss does not take what a property asks for: it is skipped, for this reason."""


@dataclass(frozen=True)
class Scope:
    """One loss, and what it takes.

    Attributes:
        loss: the loss.
        reductions: those that it heeds, of `REDUCTIONS`.
        dtypes: those that it computes in.
        ranks: of predictions.
        weights: whether it takes sample weights.
        features: of the batches of a layer.
        steps: of those batches, where the layer takes one number of steps alone.
    """

    loss: LossSpec
    reductions: tuple[str, ...] = REDUCTIONS
    dtypes: tuple[str, ...] = DTYPES
    ranks: tuple[int, ...] = (2, 3, 4)
    weights: bool = True
    features: int = 3
    steps: int | None = None

    def structure(self, choices: Mapping[str, Any]) -> dict[str, Any]:
        """The choices of `cases` or `signatures` (less `losses`), as far as the loss takes them.

        Raises:
            NotTaken: where it takes none.
        """
        kinds = WEIGHT_KINDS if self.weights else ("none",)
        return {
            **choices,
            "reductions": self._both("reduction", choices.get("reductions"), self.reductions),
            "dtypes": self._both("dtype", choices.get("dtypes"), self.dtypes),
            "weight_kinds": self._both("sample weight", choices.get("weight_kinds"), kinds),
        }

    def among(self, ranks: Sequence[int]) -> range:
        """The ranks that the loss takes, of those asked for.

        Raises:
            NotTaken: where it takes none.
        """
        both = [rank for rank in ranks if rank in self.ranks]
        if not both:
            raise NotTaken(f"it takes no predictions of rank {_or(ranks)}")
        return range(min(both), max(both) + 1)

    def _both(
        self, what: str, wanted: Sequence[str] | None, taken: tuple[str, ...]
    ) -> tuple[str, ...]:
        both = taken if wanted is None else tuple(each for each in wanted if each in taken)
        if not both:
            named = "" if what == "sample weight" else f" {_or(wanted or ())}"
            raise NotTaken(f"it takes no {what}{named}")
        return both


class _Drawn:
    """What is drawn for: set once, by who runs the suite."""

    scope: Scope | None = None


def draw_only(scope: Scope | None) -> None:
    """Have every property draw cases of one loss only; None for all built-in ones."""
    _Drawn.scope = scope


def drawn_scope() -> Scope | None:
    """The scope that is set."""
    return _Drawn.scope


def only(loss: LossSpec) -> Any:
    """A strategy of one loss, which takes one byte of a block."""
    return decoded(1, lambda _choices: loss)


def _or(values: Sequence[object]) -> str:
    return " or ".join(map(str, values))
