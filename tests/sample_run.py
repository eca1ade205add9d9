"""A made-up run with every verdict in it, as the engines would log it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from maskgate.case import Case, LossSpec
from maskgate.engines.events import EventLog
from maskgate.verdicts.model import Finding, Identity, Result

THREAD = "https://github.com/keras-team/keras/issues/18829"
SUBJECT: dict[str, Any] = {
    "id": "current",
    "distribution": "keras",
    "keras": "3.15.1",
    "backend": "tensorflow",
    "framework": "2.21.0",
    "python": "3.11.7",
    "numpy": "2.4.6",
    "device": "cpu",
    "family": "valid-where",
    "listed": True,
    "checked_as": "3.15.1",
    "notes": [],
}


def small_case(**changes: Any) -> Case:
    """Two steps of one sample; the second is masked."""
    fields: dict[str, Any] = {
        "loss": LossSpec.of("mse"),
        "reduction": "sum_over_batch_size",
        "dtype": "float32",
        "y_true": np.array([[[0.5], [0.0]]]),
        "y_pred": np.array([[[1.0], [1.0]]]),
        "mask": np.array([[True, False]]),
    }
    return Case(**{**fields, **changes})


def finding(case: Case, altered: Case | None = None, **changes: Any) -> Finding:
    """A finding; `recipe` adds to its reproducer."""
    fields: dict[str, Any] = {
        "id": "labels-under-mask-mask-plain-3f9c2e",
        "subject": "current",
        "property": "labels-under-mask",
        "verdict": "new",
        "title": "labels-under-mask: value 1.25 where 0.25 is right (mask, mse, eager)",
        "details": {},
        "mode": "eager",
        "expected": 0.25,
        "observed": 1.25,
        "bound": 0.0,
        "stage": "mask",
        "message": "value: expected 0.25, observed 1.25, allowed error 0",
    }
    recipe = {
        "distribution": "keras",
        "version": "3.15.1",
        "backend": "tensorflow",
        "part": "value",
        "index": [],
        "relation": "identical",
        **changes.pop("recipe", {}),
    }
    fields.update(changes)
    identity = Identity(fields["property"], "valid-where", fields["stage"], "plain")
    return Finding(
        **fields,
        identity=vars(identity),
        case=case.to_dict(),
        altered=None if altered is None else altered.to_dict(),
        reproducer=recipe,
    )


def new_finding() -> Finding:
    """A label under the mask that matters."""
    case = small_case()
    return finding(case, case.with_(y_true=np.array([[[0.5], [2.0]]])))


def known_finding() -> Finding:
    """NaN under the mask makes the loss NaN, which is so in every Keras."""
    case = small_case()
    return finding(
        case,
        case.with_(y_true=np.array([[[0.5], [np.nan]]])),
        id="nan-under-mask",
        property="labels-under-mask-nonfinite",
        verdict="known",
        title="A NaN label under the mask makes the loss NaN.",
        observed="nan",
        stage="formula",
        link=THREAD,
        message="value: expected 0.25, observed nan, allowed error 0",
    )


def fixed_finding() -> Finding:
    """A listed deviation that is gone."""
    return finding(
        small_case(mask=np.array([[False, False]])),
        id="all-masked-nan",
        property="empty-mask",
        verdict="fixed",
        title="no longer happens: An all-masked batch is NaN in float16.",
        expected="the listed deviation",
        observed="what the property says",
        link=THREAD,
        stage="formula",
        message="take the entry 'all-masked-nan' off the list of known deviations",
        recipe={"relation": "none"},
    )


def result(property_: str, verdict: str, **changes: Any) -> Result:
    """A result in all three modes."""
    fields: dict[str, Any] = {
        "subject": "current",
        "kind": "law",
        "examples": 120,
        "modes": dict.fromkeys(("eager", "graph", "xla"), verdict),
        "seconds": 2.5,
        "subject_seconds": 2.0,
    }
    return Result(property=property_, verdict=verdict, **{**fields, **changes})  # type: ignore[arg-type]


def all_results() -> list[Result]:
    """One result a verdict, and more."""
    return [
        result("loss-value", "holds", kind="conformance", worst=0.314),
        result(
            "labels-under-mask",
            "new",
            findings=(new_finding().id,),
            modes={"eager": "new", "graph": "holds", "xla": "holds"},
        ),
        result("labels-under-mask-nonfinite", "known", findings=(known_finding().id,)),
        result("empty-mask", "fixed", findings=(fixed_finding().id,)),
        result("mask-dtype", "skipped", examples=0, modes={}, reason="no mask is used there"),
        result("low-precision", "error", examples=3, modes={}, reason="the subject hung"),
        result("repeatable", "holds", kind="agreement"),
    ]


def write_run(
    path: Path,
    results: list[Result],
    findings: list[Finding],
    *,
    exit_status: int | None,
    subjects: tuple[dict[str, Any], ...] = (SUBJECT,),
    planned: list[str] | None = None,
) -> None:
    """Log a run; without an exit status its end is missing."""
    log = EventLog(path)
    log.emit(
        "run-started",
        tool={"name": "maskgate", "version": "0"},
        profile="smoke",
        seed=7,
        jobs=2,
        subjects=[subject["id"] for subject in subjects],
        properties=planned or [each.property for each in results],
    )
    for subject in subjects:
        log.emit("subject", subject=subject)
    for each in findings:
        log.emit("finding", finding=each.to_dict())
    for outcome in results:
        log.emit("property-started", subject=outcome.subject, property=outcome.property)
        log.emit("result", result=outcome.to_dict())
    if exit_status is not None:
        log.emit("run-finished", seconds=12.5, exit_status=exit_status)


def write_every_verdict(path: Path) -> None:
    """The whole made-up run."""
    write_run(path, all_results(), [new_finding(), known_finding(), fixed_finding()], exit_status=3)


def write_calm_run(path: Path) -> None:
    """A run in which all is as expected."""
    calm = [each for each in all_results() if each.verdict in ("holds", "known", "skipped")]
    write_run(path, calm, [known_finding()], exit_status=0)
