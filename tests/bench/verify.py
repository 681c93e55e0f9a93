"""The gate beside a bare server: the same HTTP library and build profile, the same JSON in and out, no logic.

Each server has one core and the load generator the other; they are driven in turn, and ratios are taken within a
round, since the machine's speed comes and goes.
"""

import hashlib
import os
import random
import sqlite3
import subprocess
import threading
import time
import zlib
from contextlib import closing
from statistics import median

import keyfob
import load
import seed
from figure import Figure

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))
SERVER_CORE, LOAD_CORE = 0, 1
MANY, HOT = 1_000_000, 10_000


class Bare:
    """The bare server; stopped at the end of `with`."""

    def __init__(self):
        self.port = keyfob.free_port()
        self.origin = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        build = ["cargo", "build", "--release", "--locked", "--example", "bare"]
        subprocess.run(build, cwd=keyfob.ROOT, check=True)
        binary = keyfob.BINARY.parent / "examples" / "bare"
        self.process = subprocess.Popen([binary, f"127.0.0.1:{self.port}"], preexec_fn=pin)
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=40)


def pin():
    os.sched_setaffinity(0, {SERVER_CORE})


def checksum(text):
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = seed.BASE62[digit] + digits
    return digits


def secret(chance):
    body = "sms_live_" + "".join(chance.choices(seed.BASE62, k=32))
    return body + checksum(body)


def seed_secrets(database, count):
    """Keys whose secrets are known here; gives the secrets."""
    chance = random.Random(count)
    newest = time.time_ns() // 1000
    secrets = [secret(chance) for _ in range(count)]
    with closing(sqlite3.connect(database)) as connection, connection:
        operator, account = connection.execute("SELECT id, account_id FROM operators").fetchone()

        def row(number, text):
            at = newest - number * 1000
            digest = hashlib.sha256(text.encode()).digest()
            mask = f"sms_live_••••••{text[-4:]}"
            return (seed.id_of(chance, at), account, f"Project {number} SMS integration", "", digest, mask, "enabled", operator, at)

        connection.executemany(seed.INSERT, (row(number, text) for number, text in enumerate(secrets)))
    return secrets


def measure(folder):
    database = folder / "few.db"
    keyfob.make_database(database)
    keys = seed_secrets(database, 50)
    with Bare() as bare, keyfob.Server(database, core=SERVER_CORE) as server:
        figures = [*one_key(server, bare, keys[0]), *refused(server, keys[0]), *disturbed(server, keys)]
    return figures + many_keys(folder)


def one_key(server, bare, key):
    body, header = load.ask_verify([key]), load.ask_auth(key)
    verify = turns(("/v1/keys/verify", server, body), ("/v1/keys/verify", bare, body))
    auth = turns(("/v1/auth?service=sms", server, header), ("/v1/auth?service=sms", bare, header))
    return [*compared("verify, 1 key, against a bare POST", verify), *compared("auth, 1 key, against a bare GET", auth)]


def refused(server, key):
    chance = random.Random(1)
    typo = key[:-1] + ("A" if key[-1] != "A" else "B")
    unknown = [secret(chance) for _ in range(1000)]
    path = "/v1/keys/verify"
    valid = (path, server, load.ask_verify([key]))
    typos = turns((path, server, load.ask_verify([typo])), valid)
    unknowns = turns((path, server, load.ask_verify(unknown)), valid)
    return [
        rate("a bad checksum against a valid key", typos, at_least=1.0),
        rate("an unknown key with a right checksum against a valid key", unknowns),
    ]


def disturbed(server, keys):
    """While the dashboard is in use: 10 switches and 20 lists a second."""
    server.log_in()
    ids = [line.split('"')[0] for line in server.get("/api-keys").decode().split('id="switch-')[1:]]
    script = load.ask_verify(keys[40:])
    rounds = []
    for _ in range(ROUNDS):
        quiet = drive(server, "/v1/keys/verify", script)
        stop = threading.Event()
        worker = threading.Thread(target=use_dashboard, args=(server, ids[:10], stop))
        worker.start()
        busy = drive(server, "/v1/keys/verify", script)
        stop.set()
        worker.join()
        rounds.append((busy, quiet))
    return [rate("verify while the dashboard is in use, against undisturbed", rounds, at_least=0.85)]


def use_dashboard(server, ids, stop):
    began, done = time.monotonic(), 0
    while not stop.is_set():
        server.get("/api-keys")
        if done % 2:
            wanted = "disabled" if done % 4 == 1 else "enabled"
            server.post(f"/api-keys/{ids[done % len(ids)]}/status", {"status": wanted}, **{"HX-Request": "true", "HX-Request-Type": "partial"})
        done += 1
        time.sleep(max(0, began + done * 0.05 - time.monotonic()))


def many_keys(folder):
    database = folder / "many.db"
    keyfob.make_database(database)
    keys = seed_secrets(database, MANY)
    chance = random.Random(2)
    path = "/v1/keys/verify"
    with keyfob.Server(database, core=SERVER_CORE) as server:
        one = (path, server, load.ask_verify(keys[:1]))
        hot = (path, server, load.ask_verify(chance.sample(keys, HOT)))
        drive(server, path, hot[2])  # to warm up
        hot = turns(hot, one)
        hot_memory = server.resident_bytes() / 1e6
        cold = turns((path, server, load.ask_verify(chance.sample(keys, 200_000))), one)
        memory = server.resident_bytes() / 1e6
    return [
        rate(f"{HOT:,} hot keys among {MANY:,}, against 1 key", hot, at_least=0.95),
        rate(f"200,000 keys at random among {MANY:,}, against 1 key", cold),
        Figure(f"memory with {HOT:,} hot keys", hot_memory, 200, "MB"),
        Figure("memory after the random ones", memory, 200, "MB"),
    ]


def turns(ours, theirs):
    """The rounds of both sides, driven in turn; who begins changes from round to round."""
    rounds = []
    for number in range(ROUNDS):
        first, second = (ours, theirs) if number % 2 else (theirs, ours)
        one, two = (drive(side[1], side[0], side[2]) for side in (first, second))
        rounds.append((one, two) if number % 2 else (two, one))
    return rounds


def drive(server, path, script):
    return load.drive(server.process, server.origin + path, script, SECONDS, LOAD_CORE)


def compared(what, rounds):
    ours, theirs = zip(*rounds)
    note = f"{median(o.cpu_micros for o in ours):.2f} µs and {median(t.cpu_micros for t in theirs):.2f} µs"
    failed = sum(side.failed for pair in rounds for side in pair)
    return [
        rate(what, rounds, at_least=0.90),
        Figure(f"{what}: server time for a request", ratio(rounds, "cpu_micros"), 1.15, "×", note),
        Figure(f"{what}: p99", ratio(rounds, "p99_ms"), 1.5, "×", f"{failed} failed"),
    ]


def rate(what, rounds, at_least=None):
    ours, theirs = (median(side.per_second for side in sides) for sides in zip(*rounds))
    times = " and ".join(f"{median(side.cpu_micros for side in sides):.2f}" for sides in zip(*rounds))
    note = f"{ours:,.0f}/s and {theirs:,.0f}/s, server time {times} µs"
    return Figure(f"{what}: requests a second", ratio(rounds, "per_second"), at_least, "×", note, at_least=True)


def ratio(rounds, name):
    return median(getattr(ours, name) / getattr(theirs, name) for ours, theirs in rounds)
