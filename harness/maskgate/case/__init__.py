"""Floor 1: one input of a masked, weighted loss as frozen data. Knows no framework."""

from maskgate.case.cases import (
    Case,
    array_from_dict,
    array_to_dict,
    number_to_json,
)
from maskgate.case.dtypes import FORMATS, AnyArray, FloatArray, Format, format_of
from maskgate.case.losses import KINDS, REDUCTIONS, LossKind, LossSpec, Parameter

__all__ = [
    "FORMATS",
    "KINDS",
    "REDUCTIONS",
    "AnyArray",
    "Case",
    "FloatArray",
    "Format",
    "LossKind",
    "LossSpec",
    "Parameter",
    "array_from_dict",
    "array_to_dict",
    "format_of",
    "number_to_json",
]
