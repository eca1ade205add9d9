"""Agreement: one subject, one answer."""

import pytest
from hypothesis import given

from maskgate.engines.examination import Examination
from maskgate.strategies import Pair, compiled_corners, pairs, with_corners
from maskgate.strategies.alterations import another_case

pytestmark = pytest.mark.agreement


@with_corners(compiled_corners())
@given(pair=pairs(compiled=True))
def test_eager_graph_xla(subject: Examination, pair: Pair) -> None:
    """Eager, traced and compiled give one answer."""
    subject.modes_agree(pair)


@pytest.mark.several_backends
@given(pair=pairs())
def test_backends(subject: Examination, pair: Pair) -> None:
    """One release gives one answer on TensorFlow, JAX and torch."""
    if not subject.peers:
        pytest.skip("one backend of this release is asked")
    subject.backends_agree(pair)


@given(pair=pairs(another_case))
def test_repeatable(subject: Examination, pair: Pair) -> None:
    """The same case gives the same bits again, also after another case of another shape."""
    subject.repeats(pair)
