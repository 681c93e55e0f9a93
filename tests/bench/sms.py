"""The SMS service: messages accepted, handed to a carrier, listed, and paid for once.

The server has both cores here, as has the load: accepting is a matter of the disk and of one writer.
"""

import http.client
import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from statistics import median

import keyfob
import load
import many_keys
import seed
from figure import Figure
from server_time import turns

CONNECTIONS = 64
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
MESSAGES = "/v1/sms/messages"
# Between a connection's messages, in milliseconds: with 64 of them some 5,000 a second.
PAUSE = 7
ENOUGH = 100_000_000
# Nobody listens there, so that messages wait in the queue.
NOBODY = ("--sms-transport", "smpp://bench:bench@127.0.0.1:9")
FEW, MANY = 100, 1_000_000
CLIENTS, EACH, CREDITS = 16, 1_000, 1_000
SENT, WINDOW = 20_000, 50
# Messages for a carrier that throttles, and how many it takes a second.
THROTTLED, LIMIT = 600, 10


def measure(folder):
    key = many_keys.secrets(1)[0]
    database = folder / "sms.db"
    keyfob.make_database(f"sqlite:{database}")
    many_keys.fill_sqlite(database, [key])
    figures = accepting(folder, database, key)
    figures += with_postgres(folder, key)
    figures += carrier(folder, key)
    figures += throttling_carrier(folder, key)
    figures += paid_once(folder, key)
    return figures + [listing(folder)]


def start(database, url=None, arguments=()):
    return keyfob.Server(database, url=url, arguments=("--opening-credits", str(ENOUGH), *arguments), log="warn")


def accepting(folder, database, key):
    """Accepted and durable: while the carrier is away, while the sandbox delivers, and beside verify."""
    with start(database, arguments=NOBODY) as server:
        alone = median(accepted(server, key) for _ in range(ROUNDS))
        calm = median(verified(server, key) for _ in range(ROUNDS))
        beside_some, some = map(median, zip(*(beside(server, key, PAUSE) for _ in range(ROUNDS))))
        beside_all, most = map(median, zip(*(beside(server, key) for _ in range(ROUNDS))))
    with start(folder / "sandbox.db", url=f"sqlite:{copy_of(database, folder)}") as server:
        delivering = median(accepted(server, key) for _ in range(ROUNDS))
    single = one_commit_each(folder)
    commits = f"{single:,.0f} commits a second of one such row each"
    return [
        Figure("messages accepted, queue only", alone, 5_000, "/s", f"{CONNECTIONS} connections", at_least=True),
        Figure("messages accepted, delivered meanwhile", delivering, None, "/s", "by the sandbox in the same process"),
        Figure("against one commit for each message", alone / single, None, "×", commits),
        Figure(f"verify while {some:,.0f} messages a second are accepted", beside_some / calm, 0.7, "×", f"{beside_some:,.0f}/s and {calm:,.0f}/s", at_least=True),
        Figure(f"verify while as many as possible are, {most:,.0f} a second", beside_all / calm, None, "×", f"{beside_all:,.0f}/s"),
    ]


def copy_of(database, folder):
    """The same key, and nothing in the queue."""
    copy = folder / "copy.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("DELETE FROM messages")
    return copy


def accepted(server, key, pause=0):
    """Messages a second."""
    script = load.send_messages(key, pause)
    sent = load.drive(server.process, server.origin + MESSAGES, script, SECONDS, connections=CONNECTIONS)
    if sent.failed:
        raise RuntimeError(f"{sent.failed} messages were refused")
    return sent.per_second


def verified(server, key):
    return load.drive(server.process, server.origin + "/v1/keys/verify", load.ask_verify([key]), SECONDS).per_second


def beside(server, key, pause=0):
    """Questions a second while messages are accepted, and how many of those."""
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(accepted, server, key, pause)
        return verified(server, key), sending.result()


def one_commit_each(folder):
    """Rows a second on the same disk when each has a commit of its own."""
    with closing(sqlite3.connect(folder / "commits.db", isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE m (id TEXT, text TEXT)")
        end, rows = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            connection.execute("INSERT INTO m VALUES (?, ?)", (f"msg_{rows:026}", "Your code is 4711" * 10))
            rows += 1
    return rows / SECONDS


def with_postgres(folder, key):
    what = "messages accepted, PostgreSQL, queue only"
    with many_keys.postgres() as url:
        if not url:
            return [Figure(what, None, None, "/s", "run with tests/postgres")]
        keyfob.make_database(url)
        many_keys.fill_postgres(url, [key])
        with start(folder / "postgres.db", url=url, arguments=NOBODY) as server:
            return [Figure(what, median(accepted(server, key) for _ in range(ROUNDS)), None, "/s")]


MODULES = keyfob.ROOT / "target" / "npm" / "node_modules"  # where `tests/run` installs the carrier's library


@contextmanager
def smsc(*arguments, parameters=f"window={WINDOW}"):
    """A carrier in another process; gives its URL."""
    port = keyfob.free_port()
    script = keyfob.ROOT / "tests" / "smsc" / "smsc.js"
    modules = {"NODE_PATH": str(MODULES)}
    command = ["node", script, "--port", str(port), "--quiet", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, **modules})
    try:
        time.sleep(0.5)
        if process.poll() is not None:
            raise RuntimeError("the carrier did not start")
        yield f"smpp://keyfob:s3cret@127.0.0.1:{port}?{parameters}"
    finally:
        process.kill()
        process.wait()


def carrier(folder, key):
    """Out of a full queue, through SMPP, to the last receipt."""
    what = f"SMPP submits out of the queue, window {WINDOW}"
    if not shutil.which("node") or not (MODULES / "smpp").is_dir():
        return [Figure(what, None, None, "/s", "needs Node and `tests/run`")]
    database = folder / "carrier.db"
    keyfob.make_database(f"sqlite:{database}")
    many_keys.fill_sqlite(database, [key])
    with start(database, arguments=NOBODY) as server:
        fill_queue(server, key, SENT)
    with smsc() as url, start(database, arguments=("--sms-transport", url)), closing(sqlite3.connect(database)) as rows:
        submits = per_second(rows, "('sent', 'delivered')")
        done = per_second(rows, "('delivered')")
    note = f"{SENT:,} messages; {done:,.0f}/s with their receipts"
    return [Figure(what, submits, 2_000, "/s", note, at_least=True)]


def throttling_carrier(folder, key):
    """Without a rate set: what fails, and how quickly the queue is empty."""
    what = f"messages through a carrier of {LIMIT} a second"
    if not shutil.which("node") or not (MODULES / "smpp").is_dir():
        return [Figure(what, None, None, "/s", "needs Node and `tests/run`")]
    database = folder / "throttled.db"
    keyfob.make_database(f"sqlite:{database}")
    many_keys.fill_sqlite(database, [key])
    with start(database, arguments=NOBODY) as server:
        fill_queue(server, key, THROTTLED)
    out = []
    with smsc("--limit", str(LIMIT), parameters="") as url:
        with start(database, arguments=("--sms-transport", url)), closing(sqlite3.connect(database)) as rows:
            count = lambda words: rows.execute(f"SELECT count(*) FROM messages WHERE status IN {words}").fetchone()[0]
            began = time.monotonic()
            while len(out) < 180 and (not out or out[-1] < THROTTLED):
                time.sleep(1)
                out.append(count("('sent', 'delivered')"))
            seconds, failed = time.monotonic() - began, count("('failed', 'undelivered', 'expired')")
    # The pace is learned within the first ten seconds.
    learned = (out[-1] - out[9]) / (len(out) - 10)
    note = f"{THROTTLED} messages, window 10, no rate set; {failed} failed, the last out after {seconds:.0f} s"
    return [Figure(what, learned, 7, "/s", note, at_least=True)]


def fill_queue(server, key, messages):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for first in range(0, messages, 100):
        body = {"to": [f"+4207{number:08}" for number in range(first * 1000, (first + 100) * 1000, 1000)], "text": "Hello"}
        server.connection.request("POST", MESSAGES, json.dumps(body), headers)
        response = server.connection.getresponse()
        response.read()
        if response.status != 202:
            raise RuntimeError(f"answered with {response.status}")


def per_second(rows, statuses):
    """How quickly the queue comes to these, from now until nine tenths are there."""
    count = lambda: rows.execute(f"SELECT count(*) FROM messages WHERE status IN {statuses}").fetchone()[0]
    began, before, end = time.monotonic(), count(), time.monotonic() + 120
    while (now := count()) < SENT * 0.9 and time.monotonic() < end:
        time.sleep(0.02)
    return (now - before) / (time.monotonic() - began)


def paid_once(folder, key):
    """Clients of two instances spend what there is, and no more."""
    database = folder / "credits.db"
    keyfob.make_database(f"sqlite:{database}")
    many_keys.fill_sqlite(database, [key])
    few = ("--opening-credits", str(CREDITS), *NOBODY)
    with keyfob.Server(database, arguments=few, log="warn") as one, keyfob.Server(database, arguments=few, log="warn") as two:
        taken = []
        spend = lambda server: taken.append(spent(server.port, key))
        clients = [threading.Thread(target=spend, args=((one, two)[number % 2],)) for number in range(CLIENTS)]
        began = time.monotonic()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        seconds = time.monotonic() - began
    with closing(sqlite3.connect(database)) as connection:
        left, ledger = connection.execute(
            "SELECT credits, (SELECT sum(amount) FROM ledger_entries) FROM credit_balances"
        ).fetchone()
    is_exact = (sum(taken), left, ledger) == (CREDITS, 0, 0)
    note = f"{CLIENTS} clients × {EACH:,} on {CREDITS:,} credits, {sum(taken):,} accepted, {'exact' if is_exact else 'WRONG'}"
    return [Figure("debits over two instances", CLIENTS * EACH / seconds, None, "/s", note)]


def spent(port, key):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    accepted = 0
    for _ in range(EACH):
        connection.request("POST", MESSAGES, b'{"to":"+420777123456","text":"Hello"}', headers)
        response = connection.getresponse()
        response.read()
        if response.status not in (202, 402):
            raise RuntimeError(f"answered with {response.status}")
        accepted += response.status == 202
    connection.close()
    return accepted


class Listed:
    """A server with so many messages, and whoever is logged in to it."""

    def __init__(self, folder, count):
        self.database = folder / f"messages-{count}.db"
        keyfob.make_database(f"sqlite:{self.database}")
        with keyfob.Server(self.database):
            pass
        fill_messages(self.database, count)
        self.server = keyfob.Server(self.database)

    def round(self, act):
        for _ in range(20):
            act(self)
        return median(self.server.milliseconds(20))

    def page(self):
        self.server.get("/messages", **{"Accept-Encoding": "identity"})


def fill_messages(database, count):
    chance, newest = random.Random(count), time.time_ns() // 1000
    statuses = ["delivered"] * 17 + ["undelivered", "expired", "failed"]
    with closing(sqlite3.connect(database)) as connection, connection:
        account = connection.execute("SELECT account_id FROM credit_balances").fetchone()[0]

        def row(number):
            at = newest - number * 1000
            return ("msg_" + seed.id_of(chance, at)[4:], account, f"+4207{number % 100000000:08}", chance.choice(statuses), at, at, at)

        connection.executemany(
            "INSERT INTO messages (id, account_id, api_key_id, mode, recipient, sender, text, reference, encoding, segments, "
            "credits, status, error, tries, due_at, valid_until, created_at, updated_at, carrier_code, rehearsed) "
            "VALUES (?, ?, NULL, 'live', ?, NULL, 'Your code is 4711', '', 'gsm7', 1, 1, ?, NULL, 1, NULL, ?, ?, ?, NULL, FALSE)",
            (row(number) for number in range(count)),
        )


def listing(folder):
    few, many = Listed(folder, FEW), Listed(folder, MANY)
    rounds = []
    for _ in range(3):
        with few.server, many.server:
            few.server.log_in()
            many.server.log_in()
            rounds += turns(Listed.page, few, many)
    with_few, with_many = (median(side) for side in zip(*rounds))
    note = f"{with_few:.2f} ms and {with_many:.2f} ms"
    ratio = median(theirs / ours for ours, theirs in rounds)
    return Figure(f"Messages page, {MANY:,} messages against {FEW}", ratio, 1.5, "×", note)
