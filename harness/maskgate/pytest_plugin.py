"""The pytest plug-in that is installed with the package: the fixture `maskgate`.

Imports nothing but pytest until a test asks for it.
"""

from __future__ import annotations

from types import ModuleType

import pytest

_MARKERS = (
    "conformance: a property of maskgate: exactly what a formula says",
    "law: a property of maskgate: what a person would expect of any masked loss",
    "agreement: a property of maskgate: one subject gives one answer",
    "several_backends: a property of maskgate about one release on several backends",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks of the properties, which are imported in a test that asks for them."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


@pytest.fixture(scope="session")
def maskgate() -> ModuleType:
    """`maskgate.assert_loss_keeps_laws(MyLoss)` and `maskgate.check_loss(MyLoss)`."""
    from maskgate import testing

    return testing
