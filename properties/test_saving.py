"""Laws of saved models: a copy behaves like the model."""

import pytest
from hypothesis import given

from maskgate.engines.saving_examination import SavingExamination
from maskgate.strategies import Pair, with_corners
from maskgate.strategies.saving import saved_batches, saving_corners

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=SavingExamination)
@with_corners(saving_corners())
@given(pair=saved_batches())
def test_mask_survives_saving(subject: SavingExamination, pair: Pair) -> None:
    """A model that was saved and loaded masks as before, by every format."""
    subject.survives_saving(pair)
