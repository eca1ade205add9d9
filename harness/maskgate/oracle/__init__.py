"""Floor 2: what each generation of Keras must answer to a case, and how far off it may be."""

from maskgate.oracle import ledger
from maskgate.oracle.ball import Ball, Expected, Refused
from maskgate.oracle.measured import Measured
from maskgate.oracle.reference import expect
from maskgate.oracle.semantics import FAMILIES, GENERATIONS, Semantics

__all__ = [
    "FAMILIES",
    "GENERATIONS",
    "Ball",
    "Expected",
    "Measured",
    "Refused",
    "Semantics",
    "expect",
    "ledger",
]
