"""`maskgate identify`: which family of semantics a subject follows, from behaviour alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from maskgate.case import Case
from maskgate.engines.diff_pair import allowances
from maskgate.engines.diff_reduce import size
from maskgate.engines.identify_battery import battery
from maskgate.oracle import FAMILIES, GENERATIONS, Semantics, ledger
from maskgate.subjects import Subject, SubjectError, open_subject
from maskgate.subjects.protocol import Answer, Crash, Description, Question, Refusal
from maskgate.verdicts.compare import judge
from maskgate.verdicts.difference import Failure, answer_to_dict

IDENTIFIED, UNIDENTIFIED, SUBJECT_FAILED = 0, 1, 3
_OBJECTIVE, _ALL = FAMILIES[:2], "all-elements"
_SHOWN = 3


@dataclass(frozen=True)
class Fit:
    """How well a family explains the answers.

    Attributes:
        family: one of `FAMILIES`.
        wrong: number of cases of mask, weights and reduction that its best generation gets wrong;
            0 where the family fits.
        unlike: names of the losses, as such, that this generation gets wrong: an element loss that
            is none of the ledger's says nothing against a family.
        generations: the generations that get no more cases wrong than that.
        releases: releases of the ledger with such semantics, as `keras 2.15.0`.
    """

    family: str
    wrong: int
    unlike: tuple[str, ...]
    generations: tuple[str, ...]
    releases: tuple[str, ...]


@dataclass(frozen=True)
class Telling:
    """The smallest case that the closest family gets wrong.

    Attributes:
        case: the case, `Case.to_dict()`.
        observed: the answer, as `answer_to_dict`.
        expected: for each of the closest families where the answer is not its own, in words.
    """

    case: Mapping[str, Any]
    observed: Mapping[str, Any]
    expected: Mapping[str, str]


@dataclass(frozen=True)
class Identification:
    """What was found out about one subject.

    Attributes:
        subject: who it says it is; empty where it did not start.
        fits: every family, the closest first.
        cases: number of cases that it answered.
        telling: evidence, where no family fits.
        gradients_fit: False where a family fits the losses, and none fits what comes when their
            gradient is asked too.
        failures: what could not be asked.
        exit_status: 0 if exactly one family fits, 1 if none or several do, 3 where it failed.
    """

    subject: Mapping[str, Any] = field(default_factory=dict)
    fits: tuple[Fit, ...] = ()
    cases: int = 0
    telling: Telling | None = None
    gradients_fit: bool = True
    failures: tuple[Failure, ...] = ()
    exit_status: int = SUBJECT_FAILED

    @property
    def fitting(self) -> tuple[Fit, ...]:
        """The families that get nothing wrong."""
        return tuple(fit for fit in self.fits if fit.wrong == 0)


def run_identify(
    subject: str, *, backend: str | None = None, device: str = "cpu", timeout: float = 60.0
) -> Identification:
    """Open a subject and identify it; a subject that fails is in the answer."""
    try:
        opened = open_subject(subject, timeout=timeout, backend=backend, device=device)
        try:
            return identify(opened)
        finally:
            opened.close()
    except SubjectError as problem:
        failure = Failure(problem.asked, problem.found, problem.hint)
        return Identification(failures=(failure,))


def identify(subject: Subject) -> Identification:
    """Ask the battery, and see which semantics hold on every case.

    Losses are asked with their gradient, and once more without it unless exactly one family fits:
    where a backend loses the mask as it differentiates (Keras 3.4 on JAX), either no family fits
    the gradients, or all those do that differ in the mask alone. A family is told by the cases of
    mask, weights and reduction alone; those of element losses tell its generations apart.

    Raises:
        SubjectError: the subject cannot be started, or crashes over a case.
    """
    found = _identify(subject, gradient=True)
    if len(found.fitting) == 1:
        return found
    by_value = _identify(subject, gradient=False)
    families = {fit.family for fit in found.fitting}
    if not families and by_value.fitting:
        return replace(by_value, gradients_fit=False)
    if len(by_value.fitting) == 1 and by_value.fitting[0].family in families:
        return by_value
    return found


def _identify(subject: Subject, *, gradient: bool) -> Identification:
    who = subject.describe()
    cases = battery()
    answers = subject.evaluate([Question(case, who.modes[0], gradient) for case in cases])
    asked = _answered(who, list(zip(cases, answers, strict=True)))
    wrong = {each: _wrong(each, asked, who) for each in candidates()}
    fits = sorted((_fit(family, wrong) for family in FAMILIES), key=lambda fit: fit.wrong)
    fitting = [fit for fit in fits if fit.wrong == 0]
    return Identification(
        subject=_described(who),
        fits=tuple(fits),
        cases=len(asked),
        telling=None if fitting else _telling(fits, wrong, asked),
        exit_status=IDENTIFIED if len(fitting) == 1 else UNIDENTIFIED,
    )


def candidates() -> tuple[Semantics, ...]:
    """Every semantics that is told from the others: families with the generations they can have.

    The objective families have rules of their own, over the element losses of any generation; the
    loss objects of `all-elements` do not look at the mask of `y_pred`, those of the others do.
    """
    found = []
    for family in FAMILIES:
        for name, rules in GENERATIONS.items():
            if family in _OBJECTIVE:
                if name.startswith("objective"):
                    found.append(Semantics(family, name))
                found.append(Semantics(family, elements=name))
            elif not name.startswith("objective") and rules.own_mask != (family == _ALL):
                found.append(Semantics(family, name))
    return tuple(found)


_allowed = cache(allowances)  # of the battery's cases, which are always the same objects
Asked = Sequence[tuple[Case, Answer]]


def _answered(who: Description, asked: list[tuple[Case, Answer]]) -> Asked:
    """The cases that say something: not those of a loss or parameter that a release lacks."""
    for _, answer in asked:
        if isinstance(answer, Crash):
            raise SubjectError(who.id, answer.reason, f"`maskgate check {who.id}` shows the case")
    return [(case, answer) for case, answer in asked if not _not_offered(case, answer)]


def _not_offered(case: Case, answer: Answer) -> bool:
    missing = isinstance(answer, Refusal) and answer.kind == "NotOfferedError"
    return missing and not _of_family(case)


def _wrong(semantics: Semantics, asked: Asked, who: Description) -> list[Case]:
    """The cases that a semantics gets wrong."""
    told = replace(ledger.on_backend(semantics, who.backend), epsilon=who.epsilon)
    return [
        case
        for case, answer in asked
        if not any(judge(answer, each).holds for each in _allowed(case, told, who.modes[0]))
    ]


def _fit(family: str, wrong: Mapping[Semantics, list[Case]]) -> Fit:
    mine = {each: _score(cases) for each, cases in wrong.items() if each.family == family}
    least = min(mine.values())
    best = [each for each, score in mine.items() if score == least]
    return Fit(
        family=family,
        wrong=least[0],
        unlike=tuple(dict.fromkeys(str(c.loss) for c in wrong[best[0]] if not _of_family(c))),
        generations=tuple(dict.fromkeys(each.generation for each in best)),
        releases=tuple(_releases(best)),
    )


def _score(wrong: Sequence[Case]) -> tuple[int, int]:
    """Wrong cases that speak against the family, then those that speak against the generation."""
    against_family = sum(map(_of_family, wrong))
    return against_family, len(wrong) - against_family


def _of_family(case: Case) -> bool:
    """Whether a case is about mask, weights and reduction; the others are about element losses."""
    return case.loss.name == "mse"


def _releases(semantics: Sequence[Semantics]) -> list[str]:
    """Releases of the ledger that have one of several semantics, oldest first."""
    wanted = {(each.family, each.generation) for each in semantics}
    found = []
    for distribution in ("keras", "tf_keras"):
        for version in ledger.versions(distribution):
            listed = ledger.lookup(distribution, version).semantics
            if (listed.family, listed.generation) in wanted:
                found.append(f"{distribution} {version}")
    return found


def _telling(fits: Sequence[Fit], wrong: Mapping[Semantics, list[Case]], asked: Asked) -> Telling:
    closest = [_best(fit.family, wrong) for fit in fits[:_SHOWN]]
    mistaken = {id(case) for case in wrong[closest[0]] if _of_family(case)}
    case, answer = min(
        ((case, answer) for case, answer in asked if id(case) in mistaken),
        key=lambda item: size(item[0]),
    )
    return Telling(
        case=case.to_dict(),
        observed=answer_to_dict(answer),
        expected={
            each.family: str(judge(answer, allowances(case, each, "eager")[0]).mismatch or "that")
            for each in closest
        },
    )


def _best(family: str, wrong: Mapping[Semantics, list[Case]]) -> Semantics:
    mine = (each for each in wrong if each.family == family)
    return min(mine, key=lambda each: _score(wrong[each]))


def _described(who: Description) -> dict[str, Any]:
    return {
        "id": who.id,
        "distribution": who.distribution,
        "keras": who.keras,
        "backend": who.backend,
        "framework": who.framework,
        "python": who.python,
        "numpy": who.numpy,
        "device": who.device,
        "notes": list(who.notes),
    }
