"""The worker's life: say who is here, then answer until the channel closes."""

from __future__ import annotations

import json
import os
import platform
import socket
from typing import Any

from . import detection, frames
from .adapter import Adapter, UnusableError, answer


def main(descriptor: int, settings: str) -> None:
    """Serve on the inherited socket `descriptor` until the other side closes it."""
    sock = socket.socket(fileno=descriptor)
    # Nothing that the framework starts may hold the channel open.
    sock.set_inheritable(False)
    channel = frames.Channel(sock)
    try:
        adapter = detection.load(**json.loads(settings))
    except UnusableError as problem:
        channel.send({"op": "problem", "found": problem.found, "hint": problem.hint})
        return
    channel.send({"op": "hello", "description": introduce(adapter)})
    try:
        serve(channel, adapter)
    except (EOFError, OSError):
        # The teardown of a framework can take seconds and serves nobody.
        os._exit(0)


def introduce(adapter: Adapter) -> dict[str, Any]:
    """The adapter's description, and the interpreter's."""
    import numpy as np

    versions = {"python": platform.python_version(), "numpy": np.__version__}
    return dict(adapter.describe(), **versions)


def serve(channel: frames.Channel, adapter: Adapter) -> None:
    """Answer frame after frame; one answer frame for each question, sent as soon as it is known."""
    # NumPy comes with the framework; an environment without either must get as far as saying so.
    from . import messages, tasks

    while True:
        header, body = channel.receive()
        if header["op"] == "reset":
            adapter.reset()
            continue
        if header["op"] == "perform":
            work = messages.work_of_frame(header, body)
            channel.send(*messages.result_to_frame(tasks.perform(adapter, work)))
            continue
        for number, ask in enumerate(messages.questions_of_frame(header, body)):
            channel.send(*messages.answer_to_frame(number, answer(adapter, ask)))
