"""From a failed comparison to a finding that a person can check."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from maskgate.case import Case, number_to_json
from maskgate.subjects.protocol import Description
from maskgate.verdicts.compare import Mismatch
from maskgate.verdicts.deviations import KnownDeviation
from maskgate.verdicts.model import Finding, Identity, Verdict


def finding_id(identity: Identity, own: str = "") -> str:
    """A short name of an identity, stable between runs and fit for a file name.

    Args:
        identity: what makes the finding one.
        own: name of a user's own loss, whose findings are told from those of others.
    """
    digest = hashlib.sha256(f"{identity}{own}".encode()).hexdigest()[:6]
    return f"{identity.property}-{identity.stage}-{identity.shape_class}-{digest}"


def make_finding(
    verdict: Verdict,
    identity: Identity,
    *,
    case: Case,
    altered: Case | None,
    details: Mapping[str, Any],
    mode: str,
    mismatch: Mismatch,
    recipe: Mapping[str, Any],
    description: Description,
) -> Finding:
    """Put a failed comparison down as a finding."""
    return Finding(
        id=finding_id(identity, case.loss.name if case.loss.own else ""),
        subject=description.id,
        property=identity.property,
        verdict=verdict,
        title=f"{identity.property}: {_title(mismatch)} ({identity.stage}, {case.loss}, {mode})",
        identity={
            "property": identity.property,
            "family": identity.family,
            "stage": identity.stage,
            "shape_class": identity.shape_class,
        },
        case=case.to_dict(),
        altered=None if altered is None else altered.to_dict(),
        details=dict(details),
        mode=mode,
        expected=_plain(mismatch.expected),
        observed=_plain(mismatch.observed),
        bound=_plain(mismatch.bound),
        stage=identity.stage,
        message=str(mismatch),
        reproducer={
            "distribution": description.distribution,
            "version": description.keras,
            "backend": description.backend,
            "part": mismatch.part,
            "index": list(mismatch.index),
            **({"own": dict(description.extra["own"])} if case.loss.own else {}),
            **recipe,
        },
    )


def known_finding(entry: KnownDeviation, seen: Finding) -> Finding:
    """A deviation that is on the list, as it was seen when its minimal case was replayed."""
    return _relabel(seen, entry, "known", entry.sentence)


def fixed_finding(entry: KnownDeviation, identity: Identity, description: Description) -> Finding:
    """A listed deviation that no longer happens."""
    return _about(
        entry,
        identity,
        description,
        verdict="fixed",
        title=f"no longer happens: {entry.sentence}",
        observed="what the property says",
        message=f"take the entry {entry.id!r} off the list of known deviations",
    )


def unreplayed_finding(
    entry: KnownDeviation, identity: Identity, description: Description, problem: Exception
) -> Finding:
    """A listed deviation whose case could not be asked, such as one edited by hand."""
    reason = f"{type(problem).__name__}: {problem}"[:300]
    return _about(
        entry,
        identity,
        description,
        verdict="error",
        title=f"could not be replayed: {entry.sentence}",
        observed=reason,
        message=f"the entry {entry.id!r} of the list of known deviations is damaged: {reason}",
    )


def _about(
    entry: KnownDeviation, identity: Identity, description: Description, **said: Any
) -> Finding:
    """A finding about an entry of the list, with the case that is written there."""
    return Finding(
        id=entry.id,
        subject=description.id,
        property=entry.property,
        identity={
            "property": identity.property,
            "family": identity.family,
            "stage": identity.stage,
            "shape_class": identity.shape_class,
        },
        case=entry.case.to_dict(),
        altered=None if entry.altered is None else entry.altered.to_dict(),
        details=dict(entry.details),
        mode=(entry.modes or description.modes)[0],
        expected="the listed deviation",
        bound=0.0,
        stage=entry.stage,
        link=entry.link,
        **said,
    )


def _relabel(seen: Finding, entry: KnownDeviation, verdict: Verdict, title: str) -> Finding:
    data = seen.to_dict()
    return Finding(
        **{**data, "id": entry.id, "verdict": verdict, "title": title, "link": entry.link}
    )


def _title(mismatch: Mismatch) -> str:
    if mismatch.part == "answer":
        return f"expected {mismatch.expected}, observed {mismatch.observed}"[:120]
    for digits in (6, 10, 17):  # as few as show the difference
        expected, observed = (_short(v, digits) for v in (mismatch.expected, mismatch.observed))
        if expected != observed:
            break
    return f"{mismatch.part} {observed} where {expected} is right"


def _short(value: float | str, digits: int) -> str:
    return value if isinstance(value, str) else f"{value:.{digits}g}"


def _plain(value: float | str) -> float | str:
    return value if isinstance(value, str) else number_to_json(value)
