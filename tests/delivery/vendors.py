"""A provider that answers with raw bytes, or in none of the ways it should."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[socket.socket], None]

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def says(status: str, body: bytes, *, length: int | None = None) -> Answer:
    """Answer with a status and a body; `length` may promise more than comes."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length or len(body)}\r\n\r\n"

    def answer(connection: socket.socket) -> None:
        connection.sendall(head.encode() + body)

    return answer


def resets(connection: socket.socket) -> None:
    """Read the request, then reset the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


def hangs_up(connection: socket.socket) -> None:
    """Read the request, then close without a word."""


def talks_nonsense(connection: socket.socket) -> None:
    """Answer with something that is not HTTP."""
    connection.sendall(b"nonsense\r\n\r\n")


def says_half(body: bytes) -> Answer:
    """Promise a body and send half of it."""
    return says("200 OK", body[: len(body) // 2], length=len(body))


def drips(stop: threading.Event) -> Answer:
    """Send a body byte by byte, each in time and all together never."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stop.wait(0.02):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    return answer


def waits(stop: threading.Event) -> Answer:
    """Never answer."""

    def answer(connection: socket.socket) -> None:
        stop.wait(30)

    return answer


@contextmanager
def vendor(answer: Answer, *, requests: list[bytes] | None = None) -> Iterator[str]:
    """The address of a provider that reads a whole request, does as `answer` says, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                with connection:
                    request = _request(connection)
                    if requests is not None:
                        requests.append(request)
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=10)
    assert not thread.is_alive()


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _gap, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return body
