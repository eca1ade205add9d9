"""Other generations of Keras in real environments, asked through workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_subjects_framework import MASK, PER_SAMPLE, PER_STEP, ask, case, value

from maskgate.subjects import MODES, Refusal, open_subject

pytestmark = pytest.mark.slow


def check_valid_twice(subject_text: str, distribution: str, keras: str) -> None:
    """Values by hand of the family that divides by the valid count and has no epsilon."""
    with open_subject(subject_text) as subject:
        description = subject.describe()
        assert (description.distribution, description.keras) == (distribution, keras)
        for mode in MODES:
            for weight, expected in ((None, 8 / 3), (PER_SAMPLE, 4.0), (PER_STEP, 17 / 3)):
                answer = value(ask(subject, case(weight), mode, gradient=True))
                assert answer.value == pytest.approx(expected, rel=1e-12)
                weights = np.broadcast_to(1.0 if weight is None else weight, MASK.shape)
                gradient = (MASK * weights)[..., None] * case().y_pred / 3
                assert answer.gradient == pytest.approx(gradient, rel=1e-12)
        for mode in MODES[:2]:
            # XLA makes a selection of the product with a bool mask, which gives 0.
            assert np.isnan(value(ask(subject, case(mask=MASK & False), mode)).value)
        assert value(ask(subject, case(np.array([2.0, 0.0])))).value == pytest.approx(4.0)
        refused = ask(subject, case(reduction="mean_with_sample_weight"))
        assert isinstance(refused, Refusal)
        assert refused.kind == "ValueError"


def test_tf_keras(tf_keras_environment: Path) -> None:
    check_valid_twice(f"venv:{tf_keras_environment}", "tf_keras", "2.21.0")


def test_tf_keras_environment_asked_through_keras_3(tf_keras_environment: Path) -> None:
    with open_subject(f"venv:{tf_keras_environment}#keras") as subject:
        assert subject.describe().keras.startswith("3.")
        assert value(ask(subject, case(mask=MASK & False))).value == 0.0


def test_keras_of_tensorflow_2_15(tf_2_15_environment: Path) -> None:
    check_valid_twice(f"venv:{tf_2_15_environment}", "keras", "2.15.0")


def test_seed_in_another_environment(tf_2_15_environment: Path) -> None:
    with open_subject(f"seed:no-epsilon@venv:{tf_2_15_environment}") as subject:
        assert subject.describe().extra["elementwise"] == ["keras", "2.15.0"]
        assert value(ask(subject, case(PER_STEP))).value == pytest.approx(6.8, rel=1e-12)
        assert np.isnan(value(ask(subject, case(mask=MASK & False))).value)
