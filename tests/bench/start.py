"""From starting the program on a database in use to its first page."""

import statistics
import time

import keyfob
from figure import Figure
from seed import seed

STARTS = 21
KEYS = 10_000
LIMIT_MS = 50


def measure(folder):
    database = folder / "start.db"
    keyfob.make_database(f"sqlite:{database}")
    seed(database, KEYS)
    times = [one_start(database) for _ in range(STARTS)]
    note = f"median of {STARTS} starts with {KEYS:,} keys, slowest {max(times):.1f} ms"
    return [Figure("start to the first 200", statistics.median(times), LIMIT_MS, "ms", note)]


def one_start(database):
    server = keyfob.Server(database)
    began = time.perf_counter()
    with server:
        return (time.perf_counter() - began) * 1000
