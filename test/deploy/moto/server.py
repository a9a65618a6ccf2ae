"""Starts moto with the plugin on a free loopback port, prints `{"port": N}`, and ends when standard input closes."""

from __future__ import annotations

import json
import socket
import sys

import plugin
from moto.server import ThreadedMotoServer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    port = free_port()
    plugin.install(f"http://127.0.0.1:{port}")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=True)
    server.start()
    print(json.dumps({"port": port}), flush=True)
    sys.stdin.read()
    server.stop()


main()
