"""The law of the small formats: they may round, they may not lose the answer."""

import numpy as np
import pytest
from hypothesis import given

from maskgate.engines.examination import Examination
from maskgate.oracle import Expected
from maskgate.strategies import ALIGNED_WEIGHTS, Pair, pairs
from maskgate.strategies.alterations import modest
from maskgate.verdicts.relations import Gives

pytestmark = pytest.mark.law


@given(
    pair=pairs(
        given=modest,
        dtypes=("float16", "bfloat16"),
        mask_ranks=("equal",),
        weight_kinds=ALIGNED_WEIGHTS,
        max_rank=3,
        long=True,
    )
)
def test_low_precision(subject: Examination, pair: Pair) -> None:
    """A float16 or bfloat16 loss is near the exact value; never NaN where that is representable."""
    case = pair.case
    exact = subject.exact(case)
    subject.requires(isinstance(exact, Expected))
    value = exact.value.value
    subject.requires(bool((np.abs(value) <= case.format.largest).all()))
    allowed = subject.rounding(case, value)
    subject.requires(allowed is not None and value.shape == allowed.shape)
    radius = np.where(np.isfinite(allowed), allowed, case.format.largest)
    relation = Gives(case, value=lambda _seen: value, radius=radius)
    subject.holds(pair, lambda _mode: relation)
