"""Starts moto with the plugin on free loopback ports, prints `{"port": N, "apiPort": M}`, and ends with its input.

Usage: python server.py ACCOUNT REGION
"""

from __future__ import annotations

import json
import socket
import sys

import plugin
from http_api import serve_http_apis
from moto.server import ThreadedMotoServer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    account_id, region = sys.argv[1:3]
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    plugin.install(endpoint)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=True)
    server.start()
    api_port = serve_http_apis(endpoint, account_id, region)
    print(json.dumps({"port": port, "apiPort": api_port}), flush=True)
    sys.stdin.read()
    server.stop()


main()
