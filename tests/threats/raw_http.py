"""HTTP as an attacker writes it: a request's bytes as they are, nothing made tidy on the way, and what came back."""

import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """status: 0 where the server closed without a word. head: the lines before the body, as they came."""

    status: int
    head: str
    body: bytes

    def header(self, name):
        """A header's values, joined; "" where there is none."""
        found = re.findall(rf"(?im)^{re.escape(name)}: *(.*?)\r?$", self.head)
        return ", ".join(found)


def send(address, target, method="GET", headers=(), body=b""):
    """One request on a connection of its own. target: text or bytes, sent as they are; headers: (name, value) pairs."""
    parts = urlsplit(address)
    given = {name.lower() for name, _value in headers}
    lines = [f"{name}: {value}" for name, value in headers]
    if "host" not in given:
        lines.append(f"Host: {parts.netloc}")
    if body and "content-length" not in given:
        lines.append(f"Content-Length: {len(body)}")
    target = target.encode() if isinstance(target, str) else target
    head = "".join(line + "\r\n" for line in [*lines, "Connection: close"])
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(method.encode() + b" " + target + b" HTTP/1.1\r\n" + head.encode() + b"\r\n" + body)
        came = b""
        while piece := connection.recv(65536):
            came += piece
    head, _, content = came.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.\d (\d{3})", head)
    return Reply(int(status[1]) if status else 0, head.decode("latin-1"), content)
