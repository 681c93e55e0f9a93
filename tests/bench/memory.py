"""Resident memory of a server that has nothing to do."""

import time

import keyfob
from figure import Figure
from seed import seed

LIMIT_MB = 30
PAUSE_SECONDS = 3
KEYS = 10_000
LOGINS = 5
VIEWS = 50


def measure(folder):
    database = folder / "memory.db"
    keyfob.make_database(f"sqlite:{database}")
    seed(database, KEYS)
    with keyfob.Server(database) as server:
        after_start = idle_megabytes(server)
        server.log_in()
        server.get("/api-keys")
        after_view = idle_megabytes(server)
        # Every login fills 19 MiB for a moment; they must not stay.
        for _ in range(LOGINS):
            server.log_in()
        for _ in range(VIEWS):
            server.get("/api-keys", **{"Accept-Encoding": "gzip, deflate, br, zstd"})
        after_use = idle_megabytes(server)
    return [
        Figure("memory when idle, after the start", after_start, LIMIT_MB, "MB", f"{PAUSE_SECONDS} s later"),
        Figure("memory when idle, after one login and page", after_view, LIMIT_MB, "MB"),
        Figure(f"memory when idle, after {LOGINS + 1} logins, {VIEWS + 1} pages", after_use, LIMIT_MB, "MB"),
    ]


def idle_megabytes(server):
    time.sleep(PAUSE_SECONDS)
    return server.resident_bytes() / 1e6
