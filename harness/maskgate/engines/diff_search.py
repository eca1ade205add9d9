"""The search for differences between two live subjects: given examples first, then at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st

from maskgate.case import REDUCTIONS, Case
from maskgate.engines.diff_causes import Causes
from maskgate.engines.diff_pair import Answers, Modes, SideBySide
from maskgate.engines.diff_reduce import reduced, size
from maskgate.strategies import MASK_KINDS, SOFT_MASK, Pair, pairs
from maskgate.subjects.protocol import SubjectError
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
        answers: what they answered.
        count: number of examples that showed the cause.
    """

    parting: Parting
    modes: Modes
    answers: Answers
    count: int = 0


class Search:
    """Looks for differences; each cause is kept once, by its smallest example, and counted.

    Args:
        both: the two subjects.
        causes: names the causes.
        on_progress: called with the number of examples and of causes so far.

    Attributes:
        examples: number of examples asked.
        differing: number of those that showed a difference.
        failure: the subject's failure that ended the search, or None.
    """

    def __init__(self, both: SideBySide, causes: Causes, on_progress: Progress) -> None:
        self._both, self._causes, self._on_progress = both, causes, on_progress
        self._seen: dict[Cause, Sighting] = {}
        self.examples = 0
        self.differing = 0
        self.failure: SubjectError | None = None

    def try_examples(self, examples: Iterable[Pair]) -> None:
        """Ask given examples."""
        for pair in examples:
            self._try(pair)

    def try_at_random(self, budget: int, *, seed: int) -> None:
        """Ask as many drawn examples."""
        with_seed(seed)(_settings(budget)(given(self._strategy())(self._try)))()

    def reduce(self) -> None:
        """Make the example of every cause as small as it goes."""
        try:
            for cause in self._shown():
                self._reduce(cause, self._seen[cause])
        except SubjectError as problem:
            self.failure = problem

    def differences(self) -> list[Difference]:
        """What was found, each cause with the number of examples that showed it."""
        return [
            replace(
                self._causes.difference(cause, seen.parting, seen.modes, seen.answers),
                examples=count,
            )
            for cause, count in self._shown().items()
            for seen in [self._seen[cause]]
        ]

    def _shown(self) -> dict[Cause, int]:
        """The causes that say something of their own, and the number of their examples."""
        counts: dict[Cause, int] = {}
        for cause, seen in self._seen.items():
            broader = next((each for each in self._seen if each.covers(cause)), cause)
            counts[broader] = counts.get(broader, 0) + seen.count
        return counts

    def _try(self, pair: Pair) -> None:
        if self.failure is not None:
            return
        try:
            partings = list(self._partings(pair))
        except SubjectError as problem:
            # Not raised from inside Hypothesis, which would ask again.
            self.failure = problem
            return
        for parting, modes in partings:
            self._note(parting, modes)
        self.examples += 1
        self.differing += bool(partings)
        self._on_progress(self.examples, len(self._seen))

    def _note(self, parting: Parting, modes: Modes) -> None:
        answers = self._both.ask([parting.case], modes)[0]
        cause = self._causes.cause(parting, modes)
        seen = self._seen.setdefault(cause, Sighting(parting, modes, answers))
        seen.count += 1
        if size(parting.case) < size(seen.parting.case):
            seen.parting, seen.modes, seen.answers = parting, modes, answers

    def _reduce(self, cause: Cause, seen: Sighting) -> None:
        def first_of(candidates: Sequence[Case]) -> Case | None:
            self._both.ask(candidates, seen.modes)
            return next((each for each in candidates if self._has(cause, each, seen.modes)), None)

        case = reduced(seen.parting.case, first_of)
        parting = self._parting(case, seen.modes)
        if parting is not None:
            seen.parting = parting
            seen.answers = self._both.ask([parting.case], seen.modes)[0]

    def _has(self, cause: Cause, case: Case, modes: Modes) -> bool:
        parting = self._parting(case, modes)
        return parting is not None and self._causes.cause(parting, modes) == cause

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
