"""Losses with their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from hypothesis import strategies as st

from maskgate.case import KINDS, LossSpec, Parameter
from maskgate.strategies import checks
from maskgate.strategies.blocks import decoded, pick
from maskgate.strategies.shapes import Shape

# The default first. An axis of 1 exists in every prediction of rank 2 or more.
PARAMETER_VALUES: dict[str, tuple[Parameter, ...]] = {
    "alpha": (0.25, 0.5, 0.75),
    "apply_class_balancing": (False, True),
    "axis": (-1, 1),
    "delta": (1.0, 0.5, 2.0),
    "from_logits": (False, True),
    "gamma": (2.0, 1.0, 3.0),
    "ignore_class": (None, -1, 0),
    "label_smoothing": (0.0, 0.1, 0.5),
}
LOSS_NAMES = tuple(KINDS)
WIDTH = 1 + max(len(kind.parameters) for kind in KINDS.values())


# Over a single class these losses are constant, and frameworks take its axis for a superfluous one.
_OVER_CLASSES = ("cce", "categorical_focal", "sparse_cce")


def losses(
    *, names: Sequence[str] = LOSS_NAMES, parameters: Sequence[str] | bool = True
) -> st.SearchStrategy[LossSpec]:
    """Losses of the given names (keys of `maskgate.case.KINDS`).

    Shrinks to the first name and to the default of every parameter.

    Args:
        names: losses to draw from, simplest first.
        parameters: which are drawn (of `PARAMETER_VALUES`); True for all; False for none: all at
            their default.

    Raises:
        ValueError: for a name that is no loss, or no parameter of one.

    Example:
        >>> from hypothesis import find
        >>> str(find(losses(names=("huber",)), lambda loss: loss["delta"] > 1))
        'huber(delta=2.0)'
    """
    names = checks.subset("names", names, KINDS)
    if isinstance(parameters, bool):
        varied = frozenset(PARAMETER_VALUES if parameters else ())
    else:
        varied = frozenset(checks.subset("parameters", parameters, PARAMETER_VALUES))
    return decoded(WIDTH, lambda choices: decode_loss(choices, names, varied))


def decode_loss(choices: bytes, names: Sequence[str], varied: frozenset[str]) -> LossSpec:
    """The loss that a block of `WIDTH` bytes stands for."""
    name = pick(names, choices[0])
    # Each parameter has its byte, drawn or not; zip leaves out bytes that the loss does not need.
    parameters = zip(KINDS[name].parameters, choices[1:])  # noqa: B905
    return _spec(
        name,
        tuple(
            byte % len(PARAMETER_VALUES[key]) if key in varied else 0 for key, byte in parameters
        ),
    )


@lru_cache(maxsize=4096)
def _spec(name: str, choices: tuple[int, ...]) -> LossSpec:
    keys = KINDS[name].parameters
    values = {key: PARAMETER_VALUES[key][choice] for key, choice in zip(keys, choices, strict=True)}
    return LossSpec.of(name, **values)


def with_classes(loss: LossSpec, shape: Shape) -> Shape:
    """The shape, with two classes in place of one where the loss is over classes."""
    if loss.definition.name not in _OVER_CLASSES or shape[loss.axis] > 1:
        return shape
    return (*shape[: loss.axis], 2, *shape[loss.axis :][1:])
