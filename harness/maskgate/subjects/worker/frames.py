"""Length-prefixed frames over a stream socket: a JSON header, then raw bytes."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

MAGIC = b"mgf1"
PREFIX = struct.Struct("!4sIQ")  # magic, length of the header, length of the body
LARGEST_HEADER = 1 << 28
LARGEST_BODY = 1 << 36


class RubbishError(Exception):
    """What arrived is no frame."""


def send(
    sock: socket.socket, header: dict[str, Any], body: bytes = b"", deadline: float | None = None
) -> None:
    """Send one frame. Raises `OSError`, `TimeoutError` among them."""
    encoded = json.dumps(header, separators=(",", ":")).encode("utf-8")
    if deadline is not None:
        sock.settimeout(_left(deadline))
    sock.sendall(b"".join((PREFIX.pack(MAGIC, len(encoded), len(body)), encoded, body)))


def receive(sock: socket.socket, deadline: float | None = None) -> tuple[dict[str, Any], bytearray]:
    """The next frame.

    Args:
        sock: connected stream socket.
        deadline: moment of `time.monotonic()` after which to give up; None waits for ever.

    Raises:
        EOFError: the other side closed the channel.
        OSError: on a broken channel; `TimeoutError` past the deadline.
        RubbishError: when the bytes are no frame.
    """
    prefix = _read(sock, PREFIX.size, deadline)
    magic, header_length, body_length = PREFIX.unpack(prefix)
    if magic != MAGIC or header_length > LARGEST_HEADER or body_length > LARGEST_BODY:
        raise RubbishError("bytes that are no frame: " + repr(bytes(prefix)))
    encoded = _read(sock, header_length, deadline)
    try:
        header = json.loads(encoded.decode("utf-8"))
    except ValueError as problem:
        raise RubbishError("a frame whose header is no JSON") from problem
    if not isinstance(header, dict):
        raise RubbishError("a frame whose header is no object")
    return header, _read(sock, body_length, deadline)


def _read(sock: socket.socket, size: int, deadline: float | None) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        if deadline is not None:
            sock.settimeout(_left(deadline))
        count = sock.recv_into(view)
        if count == 0:
            raise EOFError("the channel was closed")
        view = view[count:]
    return data


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
