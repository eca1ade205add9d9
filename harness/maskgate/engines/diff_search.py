"""The search for differences between two live subjects: given examples first, then at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from maskgate.case import REDUCTIONS, Case
from maskgate.engines.diff_causes import Causes
from maskgate.engines.diff_pair import Modes, SideBySide
from maskgate.strategies import MASK_KINDS, SOFT_MASK, Pair, pairs
from maskgate.verdicts.difference import Cause, Difference
from maskgate.verdicts.parting import Parting, part_ways

# Of this many examples all but one keep to what both sides have, so that a reduction that one side
# lacks does not hide everything else.
_ONE_ANYTHING_IN = 8
Progress = Callable[[int, int], None]


class _Differs(Exception):
    """Raised inside the Hypothesis run, with the difference that the example shows."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.title)
        self.difference = difference


class Search:
    """Looks for differences; each cause is shown once and counted from then on.

    Args:
        both: the two subjects.
        causes: names the causes.
        on_progress: called with the number of examples and of differences so far.
    """

    def __init__(self, both: SideBySide, causes: Causes, on_progress: Progress) -> None:
        self._both, self._causes, self._on_progress = both, causes, on_progress
        self._found: dict[Cause, Difference] = {}
        self._seen: Counter[Cause] = Counter()
        self.examples = 0

    @property
    def differing(self) -> int:
        """Number of examples that showed a difference; one with several is counted for each."""
        return self._seen.total()

    def differences(self) -> tuple[Difference, ...]:
        """What was found, with the number of examples that showed it."""
        return tuple(replace(each, examples=self._seen[each.cause]) for each in self._found.values())

    def try_examples(self, examples: Iterable[Pair]) -> None:
        """Ask given examples; of those with one cause the smallest is kept."""
        for pair in examples:
            self._begin()
            for parting, modes in self._partings(pair):
                cause = self._causes.cause(parting, modes)
                self._seen[cause] += 1
                earlier = self._found.get(cause)
                if earlier is None or size(parting.case) < size(Case.from_dict(earlier.case)):
                    self._found[cause] = self._causes.difference(cause, parting, modes)

    def try_at_random(self, budget: int, *, seed: int) -> None:
        """Draw examples until the budget is spent; shrink each new cause, and go on without it."""
        strategy = self._strategy()
        while budget > 0:
            spent, found = self._draw(strategy, budget, seed + len(self._found))
            budget -= spent
            if found is not None:
                self._found[found.cause] = found

    def cause_of(self, case: Case, modes: Modes) -> Cause | None:
        """The cause of the difference over a case, None where there is none."""
        parting = part_ways(case, lambda form: self._both.contrast(form, modes))
        return None if parting is None else self._causes.cause(parting, modes)

    def _draw(
        self, strategy: st.SearchStrategy[Pair], budget: int, seed: int
    ) -> tuple[int, Difference | None]:
        """Draw until there is a new cause, and shrink that: the number of examples drawn, and it."""
        target: Cause | None = None
        last: Difference | None = None
        drawn = 0

        def one(pair: Pair) -> None:
            nonlocal target, last, drawn
            searching = target is None
            if searching:
                drawn += 1
                self._begin()
            for parting, modes in self._partings(pair):
                cause = self._causes.cause(parting, modes)
                self._seen[cause] += searching
                if target is None and cause not in self._found:
                    target = cause
                if cause == target:
                    last = self._causes.difference(cause, parting, modes)
                    raise _Differs(last)

        try:
            with_seed(seed)(_settings(budget)(given(strategy)(one)))()
        except _Differs as shown:
            return drawn, shown.difference
        except Flaky:
            # A subject that answers differently from one call to the next is still shown as seen.
            return drawn, last
        return budget, None

    def _strategy(self) -> st.SearchStrategy[Pair]:
        kinds = (*MASK_KINDS, SOFT_MASK)
        rules = [side.semantics.rules for side in self._both.sides]
        shared = [name for name in REDUCTIONS if all(name in each.reductions for each in rules)]
        usual = pairs(mask_kinds=kinds, reductions=shared)
        anything = pairs(mask_kinds=kinds, min_rank=1, empty_batch=True, long=True)
        return st.one_of(*[usual] * (_ONE_ANYTHING_IN - 1), anything)

    def _partings(self, pair: Pair) -> Iterator[tuple[Parting, Modes]]:
        """Where the subjects part ways: in their first mode, or else in each of the others."""
        first, *others = self._both.modes(compiled=pair.compiled)
        self._both.tally(pair.case, first)
        parting = self._parting(pair.case, first)
        if parting is not None:
            yield parting, first
            return
        for modes in others:
            later = self._parting(pair.case, modes)
            if later is not None:
                yield later, modes

    def _parting(self, case: Case, modes: Modes) -> Parting | None:
        return part_ways(case, lambda form: self._both.contrast(form, modes))

    def _begin(self) -> None:
        self.examples += 1
        self._on_progress(self.examples, len(self._found))


def size(case: Case) -> tuple[int, int]:
    """How much a case holds: elements, then arrays and parameters."""
    arrays = [a for a in (case.y_true, case.y_pred, case.mask, case.sample_weight) if a is not None]
    return sum(array.size for array in arrays), len(arrays) + len(case.loss.parameters)


def _settings(budget: int) -> settings:
    return settings(
        max_examples=budget,
        deadline=None,
        derandomize=False,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
