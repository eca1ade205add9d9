"""The search for differences between two live subjects: given examples first, then at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st

from maskgate.case import REDUCTIONS, Case
from maskgate.engines.diff_causes import Causes
from maskgate.engines.diff_pair import Modes, SideBySide
from maskgate.engines.diff_reduce import reduced, size
from maskgate.strategies import MASK_KINDS, SOFT_MASK, Pair, pairs
from maskgate.verdicts.difference import Cause, Difference
from maskgate.verdicts.parting import Parting, part_ways

# Of this many examples all but one keep to what both sides have, so that a reduction that one side
# lacks does not hide everything else.
_ONE_ANYTHING_IN = 8
Progress = Callable[[int, int], None]


@dataclass
class Sighting:
    """The smallest example of a cause so far.

    Attributes:
        parting: where the subjects part ways over it.
        modes: the mode that each side was asked in.
        count: number of examples that showed the cause.
    """

    parting: Parting
    modes: Modes
    count: int = 0


class Search:
    """Looks for differences; each cause is kept once, by its smallest example, and counted.

    Args:
        both: the two subjects.
        causes: names the causes.
        on_progress: called with the number of examples and of causes so far.
    """

    def __init__(self, both: SideBySide, causes: Causes, on_progress: Progress) -> None:
        self._both, self._causes, self._on_progress = both, causes, on_progress
        self._seen: dict[Cause, Sighting] = {}
        self.examples = 0
        self.differing = 0

    def try_examples(self, examples: Iterable[Pair]) -> None:
        """Ask given examples."""
        for pair in examples:
            self._try(pair)

    def try_at_random(self, budget: int, *, seed: int) -> None:
        """Ask as many drawn examples."""
        with_seed(seed)(_settings(budget)(given(self._strategy())(self._try)))()

    def differences(self) -> Iterator[Difference]:
        """What was found, each made as small as it goes."""
        for cause, seen in self._seen.items():
            parting = self._smallest(cause, seen)
            found = self._causes.difference(cause, parting, seen.modes)
            yield replace(found, examples=seen.count)

    def cause_of(self, case: Case, modes: Modes) -> Cause | None:
        """The cause of the difference over a case, None where there is none."""
        parting = self._parting(case, modes)
        return None if parting is None else self._causes.cause(parting, modes)

    def _try(self, pair: Pair) -> None:
        self.examples += 1
        self._on_progress(self.examples, len(self._seen))
        partings = list(self._partings(pair))
        self.differing += bool(partings)
        for parting, modes in partings:
            seen = self._seen.setdefault(
                self._causes.cause(parting, modes), Sighting(parting, modes)
            )
            seen.count += 1
            if size(parting.case) < size(seen.parting.case):
                seen.parting, seen.modes = parting, modes

    def _smallest(self, cause: Cause, seen: Sighting) -> Parting:
        """The parting over the smallest case with a cause."""

        def first_of(candidates: Sequence[Case]) -> Case | None:
            self._both.ask(candidates, seen.modes)
            return next((each for each in candidates if self._has(cause, each, seen.modes)), None)

        case = reduced(seen.parting.case, first_of)
        parting = self._parting(case, seen.modes)
        return seen.parting if parting is None else parting

    def _has(self, cause: Cause, case: Case, modes: Modes) -> bool:
        # Most candidates do not differ at all, and their answers are there already.
        if self._both.contrast(case, modes).holds:
            return False
        return self.cause_of(case, modes) == cause

    def _strategy(self) -> st.SearchStrategy[Pair]:
        kinds = (*MASK_KINDS, SOFT_MASK)
        rules = [side.semantics.rules for side in self._both.sides]
        shared = [name for name in REDUCTIONS if all(name in each.reductions for each in rules)]
        usual = pairs(mask_kinds=kinds, reductions=shared)
        anything = pairs(mask_kinds=kinds, empty_batch=True)
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


def _settings(budget: int) -> settings:
    return settings(
        max_examples=budget,
        deadline=None,
        derandomize=False,
        database=None,
        phases=(Phase.generate,),
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
