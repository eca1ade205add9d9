"""Frames over a socket: whole, in pieces, several at once, and what is no frame."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from maskgate.subjects.worker.frames import CHUNK, ENCODER, MAGIC, PREFIX, Channel, RubbishError

HEADER = {"op": "ask", "questions": [["é", {"delta": 1.5}, None, True, [[0, 3], []]]]}
SHORT = 0.2


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def frame(header: object, body: bytes) -> bytes:
    encoded = ENCODER.encode(header).encode()
    return PREFIX.pack(MAGIC, len(encoded), len(body)) + encoded + body


@pytest.mark.parametrize("size", [0, 1, 15, CHUNK - 100, CHUNK, 3 * CHUNK + 7])
@pytest.mark.parametrize("timeout", [None, 20.0])
def test_frames_arrive_as_they_were_sent(
    ends: tuple[socket.socket, socket.socket], size: int, timeout: float | None
) -> None:
    here, there = (Channel(end) for end in ends)
    bodies = [bytes(n % 251 for n in range(start, start + size)) for start in range(5)]

    def send() -> None:
        for number, body in enumerate(bodies):
            there.send({**HEADER, "number": number}, body, timeout)

    sender = threading.Thread(target=send)
    sender.start()
    got = [here.receive(timeout) for _ in bodies]
    sender.join()
    assert got == [({**HEADER, "number": number}, body) for number, body in enumerate(bodies)]


def test_a_frame_in_pieces_is_put_together(ends: tuple[socket.socket, socket.socket]) -> None:
    here, there = Channel(ends[0]), ends[1]
    whole = frame(HEADER, b"0123456789") + frame({"next": 1}, b"x")

    def drip() -> None:
        for byte in whole:
            there.sendall(bytes([byte]))
            time.sleep(0.0005)

    sender = threading.Thread(target=drip)
    sender.start()
    assert here.receive(20.0) == (HEADER, b"0123456789")
    assert here.receive(20.0) == ({"next": 1}, b"x")
    sender.join()


@pytest.mark.parametrize("cut", [0, 7, PREFIX.size, PREFIX.size + 3, -1])
def test_a_frame_that_does_not_come_whole_is_late(
    ends: tuple[socket.socket, socket.socket], cut: int
) -> None:
    here, there = Channel(ends[0]), ends[1]
    there.sendall(frame(HEADER, b"0123456789")[:cut])
    with pytest.raises(TimeoutError):
        here.receive(SHORT)


def test_bytes_that_keep_coming_do_not_put_the_end_off(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    here, there = Channel(ends[0]), ends[1]
    stop = threading.Event()

    def drip() -> None:
        there.sendall(frame(HEADER, bytes(100_000))[:1000])
        while not stop.wait(SHORT / 4):
            there.sendall(b"\0")

    sender = threading.Thread(target=drip)
    sender.start()
    try:
        with pytest.raises(TimeoutError):
            here.receive(SHORT)
    finally:
        stop.set()
        sender.join()


def test_a_limit_is_of_one_frame(ends: tuple[socket.socket, socket.socket]) -> None:
    """A short limit leaves nothing behind for the frame after it."""
    here, there = Channel(ends[0]), Channel(ends[1])
    with pytest.raises(TimeoutError):
        here.receive(SHORT)
    later = threading.Timer(3 * SHORT, there.send, [HEADER])
    later.start()
    assert here.receive() == (HEADER, b"")
    later.join()


def test_a_reader_that_does_not_read_is_late(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        Channel(ends[0]).send(HEADER, bytes(1 << 24), SHORT)


@pytest.mark.parametrize("cut", [0, 7, PREFIX.size + 3, -1])
def test_a_channel_closed_in_the_middle(
    ends: tuple[socket.socket, socket.socket], cut: int
) -> None:
    ends[1].sendall(frame(HEADER, b"0123456789")[:cut])
    ends[1].close()
    with pytest.raises(EOFError):
        Channel(ends[0]).receive(20.0)


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"Epoch 1/10 - loss: 0.25 - and so on", "bytes that are no frame: b'Epoch 1/10"),
        (PREFIX.pack(MAGIC, 1 << 31, 0), "bytes that are no frame"),
        (PREFIX.pack(MAGIC, 0, 1 << 40), "bytes that are no frame"),
        (PREFIX.pack(MAGIC, 3, 0) + b"{:}", "header is no JSON"),
        (PREFIX.pack(MAGIC, 2, 0) + b"\xff\xfe", "header is no JSON"),
        (frame([1, 2], b""), "header is no object"),
    ],
)
def test_what_is_no_frame(
    ends: tuple[socket.socket, socket.socket], sent: bytes, found: str
) -> None:
    ends[1].sendall(sent)
    with pytest.raises(RubbishError, match=found.replace("(", r"\(")):
        Channel(ends[0]).receive(20.0)
