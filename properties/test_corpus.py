"""The programs of public threads, on the live framework; CORPUS.md says which is whose."""

import pytest
from hypothesis import given

from maskgate.engines.scenarios import ScenarioExamination, every_scenario, scenario_pairs
from maskgate.strategies import Pair, with_corners

pytestmark = pytest.mark.law


@pytest.mark.whole_models(examination=ScenarioExamination)
@with_corners(every_scenario())
@given(pair=scenario_pairs())
def test_corpus_scenarios(subject: ScenarioExamination, pair: Pair) -> None:
    """Each named program of a public thread comes out as its sentence says."""
    subject.comes_out(pair)
