"""Several replicas on one machine: the CPU divided into logical devices, before anything runs."""

from __future__ import annotations

from typing import Any

from .adapter import UnusableError


def divide_cpu(count: int) -> None:
    """Make `count` logical devices of the CPU.

    Raises:
        UnusableError: where TensorFlow is missing or too old for it.
    """
    try:
        import tensorflow

        config: Any = tensorflow.config
        make = config.LogicalDeviceConfiguration
        (cpu,) = config.list_physical_devices("CPU")
        config.set_logical_device_configuration(cpu, [make() for _ in range(count)])
    except Exception as problem:
        said = type(problem).__name__ + ": " + str(problem)
        raise UnusableError(
            "its CPU cannot be divided into logical devices (" + said + ")", "ask TensorFlow 2.4 on"
        ) from problem
