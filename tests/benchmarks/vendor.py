"""A provider in a process of its own: takes everybody at once and remembers every reference it was given."""

import json
import socket
import sys
import threading
from collections import Counter

heard: Counter[str] = Counter()
lock = threading.Lock()


def _answer(path: bytes, body: bytes) -> bytes:
    if path == b"/heard":
        return json.dumps({"people": len(heard), "most": max(heard.values(), default=0)}).encode()
    people = json.loads(body)["people"]
    references = [person["reference"] for person in people]
    with lock:
        heard.update(references)
    rows = [{"reference": one, "status": "accepted", "vendor_id": f"v{one}"} for one in references]
    return json.dumps({"results": rows}).encode()


def _serve(connection: socket.socket) -> None:
    stream = connection.makefile("rb")
    while request := stream.readline():
        length = 0
        while (line := stream.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        answer = _answer(request.split()[1], stream.read(length))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        connection.sendall(head.encode() + answer)


def main() -> None:
    """Listen on a free port, say which, and serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _address = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
