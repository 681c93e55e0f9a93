"""Many keys whose secrets are known here, on either database."""

import hashlib
import os
import random
import sqlite3
import subprocess
import time
import zlib
from contextlib import closing, contextmanager

import keyfob
import seed

COLUMNS = "id, account_id, service, mode, name, description, digest, mask, status, created_by, created_at"


def secret(chance):
    body = "sms_live_" + "".join(chance.choices(seed.BASE62, k=32))
    return body + checksum(body)


def checksum(text):
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = seed.BASE62[digit] + digits
    return digits


def secrets(count):
    chance = random.Random(count)
    return [secret(chance) for _ in range(count)]


def rows(texts, account, operator):
    """A row for each secret, the newest first, in the order of `seed.INSERT`."""
    chance, newest = random.Random(0), time.time_ns() // 1000
    for number, text in enumerate(texts):
        at = newest - number * 1000
        digest = hashlib.sha256(text.encode()).digest()
        name, mask = f"Project {number} SMS integration", f"sms_live_••••••{text[-4:]}"
        yield seed.id_of(chance, at), account, name, "", digest, mask, "enabled", operator, at


def fill_sqlite(database, texts):
    with closing(sqlite3.connect(database)) as connection, connection:
        operator, account = connection.execute("SELECT id, account_id FROM operators").fetchone()
        connection.executemany(seed.INSERT, rows(texts, account, operator))


@contextmanager
def postgres():
    """The address of a new database on the server of `tests/postgres`; nothing where that does not run."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        yield None
        return
    name = f"bench_{os.getpid()}"
    psql(server, f"CREATE DATABASE {name}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        psql(server, f"DROP DATABASE {name} WITH (FORCE)")


def fill_postgres(url, texts):
    operator, account = psql(url, "SELECT id, account_id FROM operators").strip().split("|")
    copy = subprocess.Popen(["psql", "-q", url, "-c", f"COPY api_keys ({COLUMNS}) FROM STDIN"], stdin=subprocess.PIPE, text=True)
    for key, account, name, about, digest, mask, status, operator, at in rows(texts, account, operator):
        line = [key, account, "sms", "live", name, about, f"\\\\x{digest.hex()}", mask, status, operator, str(at)]
        copy.stdin.write("\t".join(line) + "\n")
    copy.stdin.close()
    if copy.wait():
        raise RuntimeError("the keys could not be copied")
    psql(url, "VACUUM ANALYZE api_keys")


def psql(url, sql):
    command = ["psql", "-qAtX", url, "-v", "ON_ERROR_STOP=1", "-c", sql]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
