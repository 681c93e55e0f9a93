"""What the server takes for the keys page and for a switch: with 10,000 keys against with 50.

Both servers run side by side and take turns, so that whatever else the machine does meets both alike; they are
started anew a few times, because the luck of where their threads run stays with them.
"""

import random
import time
from statistics import median

import keyfob
from figure import Figure
from seed import seed

FEW, MANY = 50, 10_000
PAGE = 50
STARTS = 6
ROUNDS = 10
REQUESTS = 20
LIMIT = 1.2


class Side:
    """A server with so many keys, and whoever is logged in to it."""

    def __init__(self, folder, count):
        database = folder / f"keys-{count}.db"
        keyfob.make_database(f"sqlite:{database}")
        self.keys = seed(database, count)
        self.server = keyfob.Server(database)
        self.chance = random.Random(count)

    def first_page(self):
        self.page("/api-keys")

    def last_page(self):
        if len(self.keys) <= PAGE:
            return self.first_page()
        key, created_at = self.keys[-PAGE - 1]
        return self.page(f"/api-keys?after={created_at}.{key}")

    def page(self, path):
        # Without compression, as the server draws it.
        self.server.get(path, **{"Accept-Encoding": "identity"})

    def switch(self):
        status = self.chance.choice(["enabled", "disabled"])
        key, _ = self.chance.choice(self.keys)
        parts = {"HX-Request": "true", "HX-Request-Type": "partial"}
        self.server.post(f"/api-keys/{key}/status", {"status": status}, **parts)

    def round(self, act):
        for _ in range(REQUESTS):
            act(self)
        return median(self.server.milliseconds(REQUESTS))


def measure(folder):
    few, many = Side(folder, FEW), Side(folder, MANY)
    pages, last_pages, switches, trips = [], [], [], []
    for _ in range(STARTS):
        with few.server, many.server:
            few.server.log_in()
            many.server.log_in()
            pages += turns(Side.first_page, few, many)
            last_pages += turns(Side.last_page, few, many)
            switches += turns(Side.switch, few, many)
            trips += [round_trip(many.server) for _ in range(REQUESTS)]
    return [
        compared("keys page", pages),
        compared("its last page", last_pages),
        compared("switch", switches),
        Figure("keys page compressed, there and back", median(trips), None, "ms", "no limit is set"),
    ]


def turns(act, few, many):
    """The medians of each round: with few keys, with many."""
    few.round(act), many.round(act)  # to warm up
    return [take_turns(act, few, many, number) for number in range(ROUNDS)]


def compared(what, rounds):
    with_few, with_many = (median(side) for side in zip(*rounds))
    ratio = median(theirs / ours for ours, theirs in rounds)
    note = f"{with_few:.2f} ms and {with_many:.2f} ms, {len(rounds)} rounds of {REQUESTS}"
    return Figure(f"{what}, {MANY:,} keys against {FEW}", ratio, LIMIT, "×", note)


def take_turns(act, few, many, number):
    if number % 2:
        theirs = many.round(act)
        return few.round(act), theirs
    return few.round(act), many.round(act)


def round_trip(server):
    """Seen from a client on the same machine: also shows what waits between request and last byte."""
    began = time.perf_counter()
    server.get("/api-keys", **{"Accept-Encoding": "gzip, deflate, br, zstd"})
    return (time.perf_counter() - began) * 1000
