"""What the server takes for the keys page and for a switch: with 10,000 keys against with 50.

Both servers run side by side and take turns, so that whatever else the machine does meets both alike.
"""

import random
from statistics import median

import keyfob
from figure import Figure
from seed import seed

FEW, MANY = 50, 10_000
ROUNDS = 30
REQUESTS = 20
LIMIT = 1.2


class Side:
    """A server with so many keys, and whoever is logged in to it."""

    def __init__(self, folder, count):
        database = folder / f"keys-{count}.db"
        keyfob.make_database(database)
        self.ids = seed(database, count)
        self.server = keyfob.Server(database)
        self.chance = random.Random(count)

    def page(self):
        # Without compression, as the server draws it.
        self.server.get("/api-keys", **{"Accept-Encoding": "identity"})

    def switch(self):
        status = self.chance.choice(["enabled", "disabled"])
        path = f"/api-keys/{self.chance.choice(self.ids)}/status"
        self.server.post(path, {"status": status}, **{"HX-Request": "true", "HX-Request-Type": "partial"})

    def round(self, act):
        for _ in range(REQUESTS):
            act(self)
        return median(self.server.milliseconds(REQUESTS))


def measure(folder):
    few, many = Side(folder, FEW), Side(folder, MANY)
    with few.server, many.server:
        few.server.log_in()
        many.server.log_in()
        return compare("keys page", Side.page, few, many) + compare("switch", Side.switch, few, many)


def compare(what, act, few, many):
    few.round(act), many.round(act)  # to warm up
    rounds = [take_turns(act, few, many, number) for number in range(ROUNDS)]
    with_few, with_many = (median(side) for side in zip(*rounds))
    ratio = median(theirs / ours for ours, theirs in rounds)
    note = f"{with_few:.2f} ms and {with_many:.2f} ms, {ROUNDS} rounds of {REQUESTS}"
    return [Figure(f"{what}, {MANY:,} keys against {FEW}", ratio, LIMIT, "×", note)]


def take_turns(act, few, many, number):
    if number % 2:
        theirs = many.round(act)
        return few.round(act), theirs
    return few.round(act), many.round(act)
