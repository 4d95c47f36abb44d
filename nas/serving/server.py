"""The application at an address."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import uvicorn

from nas.serving.application import TOKEN, application
from nas.serving.watched import Watched
from search_spaces.errors import InputError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
PATIENCE = 3  # seconds for what is being answered when it ends
ANY = ("0.0.0.0", "::", "")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Door:
    """Where runs are served.

    Attributes:
        address: for a browser, with the token where one is asked for.
        socket: that is bound to it.
        server: not running yet.
    """

    address: str
    socket: socket.socket
    server: uvicorn.Server

    def serve(self) -> None:
        """Until the process is interrupted, or ``server.should_exit`` is set."""
        self.server.run(sockets=[self.socket])


def door(runs: Sequence[Watched], host: str, port: int) -> Door:
    """Take an address; beyond this machine only who has its token may look.

    Raises ``InputError`` where it cannot be taken.
    """
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    taken = _socket(host, port)
    number = taken.getsockname()[1]
    shown = socket.gethostname() if host in ANY else host
    shown = f"[{shown}]" if ":" in shown else shown
    hosts = [*LOOPBACK, shown] if token is None else ["*"]  # there the token says who may look
    app = application(runs, hosts, token, lambda: server.should_exit)
    address = f"http://{shown}:{number}/" + (f"?{TOKEN}={token}" if token else "")
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=PATIENCE, lifespan="off"
    )
    server = uvicorn.Server(config)
    return Door(address, taken, server)


def _socket(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen()
    except OSError as error:
        raise InputError(f"address {host}:{port}: {error.strerror or error}; expected one that is free") from None
    return taken
