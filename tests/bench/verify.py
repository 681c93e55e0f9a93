"""The gate beside a bare server, behind nginx, with many keys, and while the dashboard is in use."""

import os
import random
import threading
import time

import keyfob
import load
import many_keys
from figure import Figure
from sides import LOAD_CORE, ROUNDS, SERVER_CORE, STARTS, Bare, Nginx, Side, compared, rate, turns

MANY, HOT = 1_000_000, 10_000
VERIFY, AUTH, INTROSPECT = "/v1/keys/verify", "/v1/auth?service=sms", "/v1/introspect"


def measure(folder):
    database = folder / "few.db"
    keyfob.make_database(f"sqlite:{database}")
    keys, manager = many_keys.secrets(50), many_keys.secrets(1)[0]
    many_keys.fill_sqlite(database, [*keys, manager])
    many_keys.let_introspect(database, manager)
    figures = one_key(folder, database, keys[0])
    with keyfob.Server(database, core=SERVER_CORE) as server:
        figures += refused(server, keys[0])
        figures += introspected(server, manager, keys[0])
        figures += disturbed(server, keys)
    return figures + with_many(folder)


def asking(server, keys):
    return Side(server.process, server.origin + VERIFY, load.ask_verify(keys))


def one_key(folder, database, key):
    """Beside the bare server, with new processes every few rounds: ratios are steady within one start and differ
    between two by a tenth and more."""
    verify, auth, nginx, as_many = [], [], [], []
    for _ in range(STARTS):
        with Bare() as bare, keyfob.Server(database, core=SERVER_CORE) as server:
            verify += turns(asking(server, [key]), asking(bare, [key]), ROUNDS // STARTS)
            auth += turns(*(asking_auth(side.process, side.origin + AUTH, key) for side in (server, bare)), ROUNDS // STARTS)
            of_start = behind_nginx(folder, server, bare, key)
            nginx += of_start[0]
            as_many += of_start[1]
    return [
        *compared("verify, 1 key, against a bare POST", verify, at_least=0.95),
        *compared("auth, 1 key, against a bare GET", auth, at_least=0.90),
        rate("nginx that asks Keyfob, against one that asks the bare server", nginx),
        rate("the same against a bare server with as many headers", as_many, at_least=0.95),
    ]


def asking_auth(process, url, key):
    return Side(process, url, load.ask_auth(key))


def behind_nginx(folder, server, bare, key):
    """The rounds against the bare server, and against one with as many headers."""
    asked = [(server.port, AUTH), (bare.port, AUTH), (bare.port, "/v1/auth/with-headers")]
    with Nginx(folder, *asked) as nginx:
        ours, theirs, as_many = (asking_auth(nginx.process, f"http://127.0.0.1:{port}/", key) for port in nginx.ports)
        for side in (ours, theirs, as_many):
            side.drive()  # the first second of a new nginx is slower, whomever it asks
        return turns(ours, theirs, ROUNDS // STARTS), turns(ours, as_many, ROUNDS // STARTS)


def refused(server, key):
    valid = asking(server, [key])
    typo = key[:-1] + ("A" if key[-1] != "A" else "B")
    unknown = many_keys.secrets(1_000)
    return [
        rate("a bad checksum, against a valid key", turns(asking(server, [typo]), valid), at_least=1.0),
        rate("an unknown key with a right checksum, against a valid key", turns(asking(server, unknown), valid)),
    ]


def introspected(server, manager, key):
    """By another key, so that two are judged for each answer."""
    introspecting = Side(server.process, server.origin + INTROSPECT, load.ask_introspect(manager, key))
    return [rate("introspect, against verify", turns(introspecting, asking(server, [key])))]


def disturbed(server, keys):
    """While the dashboard is in use: 10 switches and 20 lists a second."""
    server.log_in()
    ids = [part.split('"')[0] for part in server.get("/api-keys").decode().split('id="switch-')[1:]]
    busy = Busy(asking(server, keys[40:]), lambda number: use_dashboard(server, ids[:10], number))
    return [rate("verify while the dashboard is in use, against undisturbed", turns(busy, busy.quiet), at_least=0.85)]


class Busy:
    """A side that is driven while something else is done 20 times a second."""

    def __init__(self, quiet, work):
        self.quiet, self.work = quiet, work
        self.done = 0

    def drive(self):
        stop = threading.Event()
        worker = threading.Thread(target=self.keep_working, args=[stop])
        worker.start()
        try:
            return self.quiet.drive()
        finally:
            stop.set()
            worker.join()

    def keep_working(self, stop):
        os.sched_setaffinity(0, {LOAD_CORE})
        began, first = time.monotonic(), self.done
        while not stop.is_set():
            self.work(self.done)
            self.done += 1
            time.sleep(max(0, began + (self.done - first) * 0.05 - time.monotonic()))


def use_dashboard(server, ids, number):
    server.get("/api-keys")
    if number % 2:
        key, status = ids[number // 2 % len(ids)], "disabled" if number // 20 % 2 else "enabled"
        server.post(f"/api-keys/{key}/status", {"status": status}, **{"HX-Request": "true", "HX-Request-Type": "partial"})


def with_many(folder):
    keys = many_keys.secrets(MANY)
    asked = folder / "keys"
    asked.write_text("\n".join(keys) + "\n")
    database = folder / "many.db"
    keyfob.make_database(f"sqlite:{database}")
    many_keys.fill_sqlite(database, keys)
    figures = hot(database, keys)
    with keyfob.Server(database, core=SERVER_CORE) as server:
        figures += cold(server, keys, asked, "SQLite")
    with many_keys.postgres() as url:
        if url is None:
            return [*figures, Figure(cold_of("PostgreSQL"), None, None, "×", "needs: tests/postgres tests/bench/run verify")]
        keyfob.make_database(url)
        many_keys.fill_postgres(url, keys)
        with keyfob.Server(folder / "postgres", core=SERVER_CORE, url=url) as server:
            return [*figures, *cold(server, keys, asked, "PostgreSQL")]


def hot(database, keys):
    rounds, resident = [], []
    for _ in range(STARTS):
        with keyfob.Server(database, core=SERVER_CORE) as server:
            one, some = asking(server, keys[:1]), asking(server, random.Random(2).sample(keys, HOT))
            for _ in range(3):  # until all of them are in memory
                some.drive()
            rounds += turns(some, one, ROUNDS // STARTS)
            resident.append(memory(server, f"memory with {HOT:,} hot keys"))
    return [
        rate(f"{HOT:,} hot keys among {MANY:,}, against 1 key", rounds, at_least=0.90),
        max(resident, key=lambda figure: figure.value),
    ]


def cold_of(database):
    return f"any of {MANY:,} keys at random, {database}, against 1 key"


def cold(server, keys, asked, database):
    one, every = asking(server, keys[:1]), Side(server.process, server.origin + VERIFY, load.ask_verify_any(asked))
    return [rate(cold_of(database), turns(every, one)), memory(server, f"memory after that, {database}")]


def memory(server, what):
    return Figure(what, server.resident_bytes() / 1e6, 200, "MB")
