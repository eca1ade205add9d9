"""For a test suite of one's own: a loss, metric or layer keeps the laws, or the test fails with a
minimal batch.

    from maskgate.testing import assert_loss_keeps_laws

    def test_my_loss():
        assert_loss_keeps_laws(MyLoss)

The fixture `maskgate` of the pytest plug-in, which is installed with the package, has the same
functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgate.engines.outcome import Outcome


def check_loss(
    loss: Any,
    *,
    like: str | None = None,
    select: Sequence[str] = (),
    deselect: Sequence[str] = (),
    profile: str = "smoke",
) -> tuple[Outcome, ...]:
    """Run the properties on a loss, with the framework that is installed here.

    Args:
        loss: a loss class, a loss object, a function of `(y_true, y_pred)` that gives element
            losses, or a function without arguments that makes one of these.
        like: the built-in loss that it computes, such as `mse` or `bce(from_logits=True)`: what
            labels and predictions are drawn, and the formula to compare with. Without it, labels
            and predictions are any real numbers and the laws alone are tried.
        select: globs of property names, such as `["labels-*"]`; empty for all.
        deselect: globs of property names to leave out.
        profile: how much is tried: `smoke`, `default` or `deep`.

    Returns:
        One outcome a property: `result.property`, `result.verdict`, `findings`.

    Raises:
        ValueError: for what is no loss, or an unknown name.
    """
    from maskgate.engines.here import check_here

    return check_here(loss, like=like, select=select, deselect=deselect, profile=profile)


def assert_loss_keeps_laws(
    loss: Any,
    *,
    like: str | None = None,
    select: Sequence[str] = (),
    deselect: Sequence[str] = (),
    profile: str = "smoke",
) -> None:
    """Fail with a minimal batch where a loss does not keep the laws; see `check_loss`.

    What the installed release is known to do to every loss does not fail the test.

    Raises:
        AssertionError: what is wrong, property by property, each with its smallest batch.
        ValueError: as `check_loss`.
    """
    __tracebackhide__ = True
    _require("loss", check_loss(loss, like=like, select=select, deselect=deselect, profile=profile))


def check_metric(
    metric: Any,
    *,
    like: str | None = None,
    select: Sequence[str] = (),
    deselect: Sequence[str] = (),
    profile: str = "smoke",
) -> tuple[Outcome, ...]:
    """Run the laws that are about metrics on a metric; outcomes and errors as of `check_loss`.

    Args:
        metric: a metric class, a metric object, a function of `(y_true, y_pred)` that gives a value
            for each element, or a function without arguments that makes one of these.
        like: the built-in loss whose labels and predictions it takes; no formula is compared.
        select: globs of property names; empty for all.
        deselect: globs of property names to leave out.
        profile: `smoke`, `default` or `deep`.
    """
    from maskgate.engines.here import check_here

    return check_here(
        metric, role="metric", like=like, select=select, deselect=deselect, profile=profile
    )


def assert_metric_keeps_laws(
    metric: Any,
    *,
    like: str | None = None,
    select: Sequence[str] = (),
    deselect: Sequence[str] = (),
    profile: str = "smoke",
) -> None:
    """Fail with a minimal batch where a metric depends on what is masked; see `check_metric`.

    Raises:
        AssertionError: what is wrong, property by property, each with its smallest batch.
        ValueError: as `check_loss`.
    """
    __tracebackhide__ = True
    outcomes = check_metric(metric, like=like, select=select, deselect=deselect, profile=profile)
    _require("metric", outcomes)


def check_layer(
    layer: Any,
    *,
    select: Sequence[str] = (),
    deselect: Sequence[str] = (),
    profile: str = "smoke",
) -> tuple[Outcome, ...]:
    """Run the laws of layers on a layer; outcomes and errors as of `check_loss`.

    Args:
        layer: a layer class, a layer, or a function without arguments that makes one. It is called
            on `(batch, steps, features)` with a mask, in inference.
        select: globs of property names, such as `["layer-padding"]`; empty for all about layers.
        deselect: globs of property names to leave out.
        profile: `smoke`, `default` or `deep`.
    """
    from maskgate.engines.here import check_here

    return check_here(layer, role="layer", select=select, deselect=deselect, profile=profile)


def assert_layer_keeps_laws(
    layer: Any,
    *,
    select: Sequence[str] = (),
    deselect: Sequence[str] = (),
    profile: str = "smoke",
) -> None:
    """Fail with a minimal batch where a layer reads what is masked; see `check_layer`.

    Raises:
        AssertionError: what is wrong, property by property, each with its smallest batch.
        ValueError: as `check_loss`.
    """
    __tracebackhide__ = True
    outcomes = check_layer(layer, select=select, deselect=deselect, profile=profile)
    _require("layer", outcomes)


def _require(what: str, outcomes: Sequence[Outcome]) -> None:
    """Fail unless something was tried and nothing unexpected came of it."""
    __tracebackhide__ = True
    wrong = [outcome for outcome in outcomes if outcome.unexpected]
    if wrong:
        raise AssertionError(told(wrong, what))
    if all(outcome.result.verdict == "skipped" for outcome in outcomes):
        reasons = "; ".join(f"{o.result.property}: {o.result.reason}" for o in outcomes)
        raise ValueError(f"nothing was tried of the {what} ({reasons})")


def told(wrong: Sequence[Outcome], what: str = "loss") -> str:
    """What is wrong, for a person."""
    from rich.console import Console

    from maskgate.reports.terminal import show_evidence

    text = StringIO()
    out = Console(file=text, width=100, color_system=None)
    names = ", ".join(outcome.result.property for outcome in wrong)
    out.print(f"the {what} does not keep {len(wrong)} of the laws: {names}", soft_wrap=True)
    for outcome in wrong:
        if outcome.result.verdict == "error" and not outcome.findings:
            out.print(f"\n{outcome.result.property}: {outcome.result.reason}", soft_wrap=True)
        for finding in outcome.findings:
            if finding.verdict in ("new", "fixed", "error"):
                out.print()
                show_evidence(finding, out)
    return text.getvalue().rstrip()
