"""The pytest plug-in that is installed with the package: the fixture `maskgate`.

Imports nothing but pytest until a test asks for it.
"""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def maskgate() -> ModuleType:
    """`maskgate.assert_loss_keeps_laws(MyLoss)` and `maskgate.check_loss(MyLoss)`, and the same for
    metrics and layers."""
    from maskgate import testing

    return testing
