"""A case and the case that a law compares it with.

`pairs` draws a case and, with one of the alterations of `maskgate.strategies.alterations`, the same
case changed in a way that a masked loss should not notice, or should notice in a known way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from maskgate.case import Case, LossSpec
from maskgate.strategies.cases import cases
from maskgate.strategies.losses import PARAMETER_VALUES
from maskgate.strategies.losses import losses as all_losses
from maskgate.strategies.scope import Scope, drawn_scope, only
from maskgate.strategies.shapes import shapes as all_shapes
from maskgate.strategies.signatures import SIGNATURE_SHAPES, Signature, signatures

# One example in this many is asked in the compiled modes too.
ONE_COMPILED_IN = 4


@dataclass(frozen=True)
class Pair:
    """What one example of a property asks.

    Attributes:
        case: the case.
        altered: the case it is compared with, or None for a property of one case.
        details: how the one came from the other, where the law needs to know: plain data.
        compiled: whether traced and compiled modes are asked too (their shapes come from a small
            set, because each new one costs a compilation).
    """

    case: Case
    altered: Case | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    compiled: bool = False


Draw = Callable[[st.SearchStrategy[Any]], Any]
Alter = Callable[[Draw, Case], tuple[Case, Mapping[str, Any]]]


class _Budget:
    """How many signatures a property asks in compiled modes: set once, by the profile."""

    signatures = 6


def spend_signatures(count: int) -> None:
    """Set how many signatures each property asks in the compiled modes."""
    _Budget.signatures = count


def signature_budget() -> int:
    """How many signatures each property asks in the compiled modes."""
    return _Budget.signatures


def along_last_axis() -> st.SearchStrategy[LossSpec]:
    """Losses with any parameters that reduce the last axis."""
    return all_losses(parameters=[name for name in PARAMETER_VALUES if name != "axis"])


def pairs(
    alter: Alter | None = None,
    *,
    given: Callable[[Case], Case | None] | None = None,
    compiled: bool | None = None,
    min_rank: int = 2,
    max_rank: int = 4,
    empty_batch: bool = False,
    long: bool = False,
    **choices: Any,
) -> st.SearchStrategy[Pair]:
    """A case, and what an alteration makes of it.

    Args:
        alter: from `(draw, case)` to the altered case and the details; None for a case alone.
        given: from a drawn case to the one to use, or None where it does not qualify.
        compiled: whether compiled modes are asked; None for now and then.
        min_rank: lowest rank of `y_pred`.
        max_rank: highest rank.
        empty_batch: whether a batch of no samples is drawn too.
        long: whether long axes are drawn too.
        choices: as in `cases`: losses, reductions, dtypes, mask_kinds, mask_ranks ...

    Raises:
        ValueError: as `cases`.
    """
    ranks = range(min_rank, max_rank + 1)
    kept = _Choices(choices, ranks, empty_batch=empty_batch, long=long)
    kept.free_cases(None)  # a mistake in the choices shows where it was made
    return _pairs(alter, given, compiled, kept)


class _Choices:
    """The choices of `cases` in the two forms that `_compiled_cases` needs them in."""

    def __init__(
        self, choices: Mapping[str, Any], ranks: Sequence[int], *, empty_batch: bool, long: bool
    ) -> None:
        self.ranks, self._empty_batch, self._long = ranks, empty_batch, long
        kept = {"mask_kinds", "weight_values", "edges"}
        self.content = {key: value for key, value in choices.items() if key in kept}
        self.structure = {key: value for key, value in choices.items() if key not in kept}
        if isinstance(self.structure.get("losses"), st.SearchStrategy):
            # A signature list wants names: each loss with its parameters at their defaults.
            self._losses = self.structure.pop("losses")
        else:
            self._losses = self.structure.get("losses")

    @cache  # noqa: B019 - lives as long as the property that it belongs to
    def free_cases(self, scope: Scope | None) -> st.SearchStrategy[Case]:
        """Cases of any signature; of one loss alone where a scope is given.

        A user's own loss is asked element by element, so that long batches are left out.

        Raises:
            NotTaken: where the loss takes none of them.
        """
        structure = {**self.structure, "losses": self._losses}
        ranks, long = self.ranks, self._long
        if scope is not None:
            structure = {**scope.structure(self.structure), "losses": only(scope.loss)}
            ranks, long = scope.among(ranks), False
        shapes = all_shapes(
            min_rank=min(ranks), max_rank=max(ranks), empty_batch=self._empty_batch, long=long
        )
        return cases(shapes=shapes, **structure, **self.content)

    @cache  # noqa: B019
    def compiled_cases(self, count: int, scope: Scope | None) -> st.SearchStrategy[Case]:
        """Cases of few signatures.

        Raises:
            NotTaken: as `free_cases`.
        """
        ranks, structure = self.ranks, self.structure
        if scope is not None:
            structure = {**scope.structure(structure), "losses": [scope.loss]}
            ranks = scope.among(ranks)
        shapes = tuple(shape for shape in SIGNATURE_SHAPES if len(shape) in ranks)
        listed = signatures(4 * count, shapes=shapes, **structure)
        return cases(bucketed=self._fitting(listed)[:count], **self.content)

    def _fitting(self, listed: Sequence[Signature]) -> Sequence[Signature]:
        """Those that a mask of the wanted kinds fits."""
        kinds = self.content.get("mask_kinds")
        if kinds is None or ("none" in kinds and len(kinds) > 1):
            return listed
        masked = "none" not in kinds
        return [each for each in listed if (each.mask_shape is not None) == masked]


@st.composite
def _pairs(
    draw: st.DrawFn,
    alter: Alter | None,
    given: Callable[[Case], Case | None] | None,
    compiled: bool | None,
    choices: _Choices,
) -> Pair:
    if compiled is None:
        compiled = draw(st.integers(0, ONE_COMPILED_IN - 1)) == ONE_COMPILED_IN - 1
    scope = drawn_scope()
    bucketed = choices.compiled_cases(_Budget.signatures, scope) if compiled else None
    drawn = draw(choices.free_cases(scope) if bucketed is None else bucketed)
    case = drawn if given is None else given(drawn)
    assume(case is not None)
    assert case is not None
    altered, details = (None, {}) if alter is None else alter(draw, case)
    return Pair(case, altered, details, compiled)
