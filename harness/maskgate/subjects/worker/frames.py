"""Length-prefixed frames over a stream socket: a JSON header, then raw bytes."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

MAGIC = b"mgf1"
ENCODER = json.JSONEncoder(separators=(",", ":"))
PREFIX = struct.Struct("!4sIQ")  # magic, length of the header, length of the body
LARGEST_HEADER = 1 << 28
LARGEST_BODY = 1 << 36
CHUNK = 1 << 16  # bytes asked for at once: most frames arrive whole in one call


class RubbishError(Exception):
    """What arrived is no frame."""


class Channel:
    """Frames over a connected stream socket; what arrives beyond a frame is kept for the next."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._ahead = b""

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def send(
        self, header: dict[str, Any], body: bytes = b"", deadline: float | None = None
    ) -> None:
        """Send one frame. Raises `OSError`, `TimeoutError` among them."""
        encoded = ENCODER.encode(header).encode("utf-8")
        if deadline is not None:
            self._sock.settimeout(_left(deadline))
        self._sock.sendall(b"".join((PREFIX.pack(MAGIC, len(encoded), len(body)), encoded, body)))

    def receive(self, deadline: float | None = None) -> tuple[dict[str, Any], bytearray]:
        """The next frame.

        Args:
            deadline: moment of `time.monotonic()` after which to give up; None waits for ever.

        Raises:
            EOFError: the other side closed the channel.
            OSError: on a broken channel; `TimeoutError` past the deadline.
            RubbishError: when the bytes are no frame.
        """
        prefix = self._read(PREFIX.size, deadline)
        magic, header_length, body_length = PREFIX.unpack(prefix)
        if magic != MAGIC or header_length > LARGEST_HEADER or body_length > LARGEST_BODY:
            raise RubbishError("bytes that are no frame: " + repr(bytes(prefix)))
        encoded = self._read(header_length, deadline)
        try:
            header = json.loads(encoded.decode("utf-8"))
        except ValueError as problem:
            raise RubbishError("a frame whose header is no JSON") from problem
        if not isinstance(header, dict):
            raise RubbishError("a frame whose header is no object")
        return header, self._read(body_length, deadline)

    def _read(self, size: int, deadline: float | None) -> bytearray:
        data = bytearray(size)
        have = min(len(self._ahead), size)
        data[:have], self._ahead = self._ahead[:have], self._ahead[have:]
        while have < size:
            if deadline is not None:
                self._sock.settimeout(_left(deadline))
            if size - have >= CHUNK:
                count = self._sock.recv_into(memoryview(data)[have:])
            else:
                chunk = self._sock.recv(CHUNK)
                count = min(len(chunk), size - have)
                data[have : have + count], self._ahead = chunk[:count], chunk[count:]
            if count == 0:
                raise EOFError("the channel was closed")
            have += count
        return data


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
