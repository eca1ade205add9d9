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
        self._limit: float | None = None

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def send(self, header: dict[str, Any], body: bytes = b"", timeout: float | None = None) -> None:
        """Send one frame. Raises `OSError`, `TimeoutError` among them."""
        encoded = ENCODER.encode(header).encode("utf-8")
        frame = b"".join((PREFIX.pack(MAGIC, len(encoded), len(body)), encoded, body))
        self._wait_at_most(timeout)
        try:
            self._sock.sendall(frame)
        except BlockingIOError:
            raise TimeoutError("timed out") from None

    def receive(self, timeout: float | None = None) -> tuple[dict[str, Any], bytearray]:
        """The next frame.

        Args:
            timeout: seconds that the whole frame may take; None waits for ever.

        Raises:
            EOFError: the other side closed the channel.
            OSError: on a broken channel; `TimeoutError` when it takes longer.
            RubbishError: when the bytes are no frame.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._read_ahead(PREFIX.size, timeout, deadline)
        magic, header_length, body_length = PREFIX.unpack_from(self._ahead)
        if magic != MAGIC or header_length > LARGEST_HEADER or body_length > LARGEST_BODY:
            raise RubbishError("bytes that are no frame: " + repr(self._ahead[: PREFIX.size]))
        start = PREFIX.size + header_length
        self._read_ahead(start, timeout, deadline)
        encoded = self._ahead[PREFIX.size : start]
        # A copy, and one that can be written: arrays become views of it.
        body = bytearray(self._ahead[start : start + body_length])
        self._ahead = self._ahead[start + body_length :]
        if len(body) < body_length:
            body = self._rest(body, body_length, deadline)
        try:
            header = json.loads(encoded.decode("utf-8"))
        except ValueError as problem:
            raise RubbishError("a frame whose header is no JSON") from problem
        if not isinstance(header, dict):
            raise RubbishError("a frame whose header is no object")
        return header, body

    def _read_ahead(self, size: int, timeout: float | None, deadline: float | None) -> None:
        """Have at least `size` bytes ahead."""
        while len(self._ahead) < size:
            # Setting a limit is a call of the system: the usual frame comes whole, with the first.
            self._wait_at_most(_left(deadline) if self._ahead else timeout)
            try:
                chunk = self._sock.recv(CHUNK)
            except BlockingIOError:
                raise TimeoutError("timed out") from None
            if not chunk:
                raise EOFError("the channel was closed")
            self._ahead = self._ahead + chunk if self._ahead else chunk

    def _rest(self, begun: bytearray, size: int, deadline: float | None) -> bytearray:
        """A body of `size` bytes of which those `begun` are here, nothing being ahead."""
        data = bytearray(size)
        data[: len(begun)] = begun
        view, have = memoryview(data), len(begun)
        while have < size:
            self._wait_at_most(_left(deadline))
            try:
                count = self._sock.recv_into(view[have:])
            except BlockingIOError:
                raise TimeoutError("timed out") from None
            if count == 0:
                raise EOFError("the channel was closed")
            have += count
        return data

    def _wait_at_most(self, seconds: float | None) -> None:
        """Limit what the kernel waits for, which costs less than to poll before each call."""
        if seconds == self._limit:
            return
        whole = 0 if seconds is None else int(seconds)
        # Two zeros stand for ever.
        micro = 0 if seconds is None else max(int((seconds - whole) * 1e6), 0 if whole else 1)
        limit = struct.pack("@ll", whole, micro)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._sock.setsockopt(socket.SOL_SOCKET, option, limit)
        self._limit = seconds


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
