"""What the keys page costs over the wire, headers included: at first, and when it is visited again."""

import re
import socket

import chromium
import keyfob
from figure import Figure
from seed import seed

FIRST_KB, RETURN_KB = 100, 10
REFERENCE = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def measure(folder):
    if not chromium.find():
        return [Figure("keys page, first and return visit", None, FIRST_KB, "KB", "Chromium is not installed")]
    database = folder / "wire.db"
    keyfob.make_database(f"sqlite:{database}")
    seed(database, 50)
    with keyfob.Server(database) as server:
        server.log_in()
        first = visit(server, folder / "profile")
        first |= left_out(server, first)
        # The browser was closed in between: what comes from its cache comes from the disk.
        again = visit(server, folder / "profile")
    return [
        Figure("keys page, first visit", sum(first.values()) / 1000, FIRST_KB, "KB", describe(first)),
        Figure("keys page, return visit", sum(again.values()) / 1000, RETURN_KB, "KB", describe(again)),
    ]


def visit(server, profile):
    with chromium.Chromium(profile) as browser:
        browser.set_cookie(server.origin, server.cookie)
        return browser.visit(f"{server.origin}/api-keys")


def left_out(server, seen):
    """Without a window Chromium asks for no icon; one with a window does."""
    page = server.get("/api-keys").decode()
    missing = {server.origin + path for path in REFERENCE.findall(page)} - set(seen)
    return {url: bytes_of(server, url.removeprefix(server.origin)) for url in missing}


def bytes_of(server, path):
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request.encode())
        return sum(len(part) for part in iter(lambda: connection.recv(1 << 16), b""))


def describe(visit):
    return ", ".join(f"{short(url)} {count / 1000:.1f}" for url, count in visit.items() if count)


def short(url):
    return re.sub(r"\.[0-9a-f]{12}\.", ".", url.rpartition("/")[2])
