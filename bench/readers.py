# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.readers PORT COUNT`: hold streams of the page open, and read what comes.

A process of its own, as readers are: in that of the bench they would slow down what is measured.
"""

from __future__ import annotations

import selectors
import socket
import sys

ASK = b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"


def main(port: int, count: int) -> None:
    """Say `open` once the page has arrived on every stream; then read on until killed."""
    selector = selectors.DefaultSelector()
    for _ in range(count):
        stream = socket.create_connection(("127.0.0.1", port))
        stream.sendall(ASK)
        selector.register(stream, selectors.EVENT_READ)
    begun: set[int] = set()
    while True:
        for key, _ in selector.select():
            found = key.fileobj
            assert isinstance(found, socket.socket)
            if not found.recv(1 << 16):
                sys.exit("a stream has ended")
            begun.add(key.fd)
            if len(begun) == count:
                begun.add(-1)
                print("open", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
