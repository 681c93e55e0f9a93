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

KEY_COLUMNS = "id, account_id, service, mode, name, description, status, created_by, created_at"
SECRET_COLUMNS = "id, api_key_id, digest, mask, tail, created_at, origin"


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
    """A row for each secret, the newest first."""
    chance, newest = random.Random(0), time.time_ns() // 1000
    for number, text in enumerate(texts):
        yield seed.row(chance, number, text, newest - number * 1000, account, operator)


# Looked up like those of a new account; the same numbers get messages in every round.
LOOSE_LIMITS = "UPDATE guards SET recipient_10_minutes = 1000, recipient_day = 1000"


def fill_sqlite(database, texts):
    with closing(sqlite3.connect(database)) as connection, connection:
        operator, account = connection.execute(seed.OWNER).fetchone()
        seed.insert(connection, list(rows(texts, account, operator)))
        connection.execute(LOOSE_LIMITS)


def let_introspect(database, text):
    """Makes a management key of the key with this secret."""
    digest = hashlib.sha256(text.encode()).digest()
    with closing(sqlite3.connect(database)) as connection, connection:
        (key,) = connection.execute("SELECT api_key_id FROM key_secrets WHERE digest = ?", [digest]).fetchone()
        connection.execute("UPDATE api_keys SET service = 'keyfob', scopes = 'introspect' WHERE id = ?", [key])
        bounds = "INSERT INTO management_bounds (api_key_id, services, grantable_scopes) VALUES (?, '*', '')"
        connection.execute(bounds, [key])


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
    operator, account = psql(url, seed.OWNER).strip().split("|")
    keys = list(rows(texts, account, operator))
    key = lambda k: [k["id"], account, "sms", "live", k["name"], "", k["status"], operator, str(k["created_at"])]
    copy(url, f"api_keys ({KEY_COLUMNS})", map(key, keys))
    secret = lambda k: [k["secret_id"], k["id"], f"\\\\x{k['digest'].hex()}", k["mask"], k["tail"], str(k["created_at"]), "minted"]
    copy(url, f"key_secrets ({SECRET_COLUMNS})", map(secret, keys))
    psql(url, LOOSE_LIMITS)
    psql(url, "VACUUM ANALYZE api_keys")
    psql(url, "VACUUM ANALYZE key_secrets")


def copy(url, table, lines):
    process = subprocess.Popen(["psql", "-q", url, "-c", f"COPY {table} FROM STDIN"], stdin=subprocess.PIPE, text=True)
    for line in lines:
        process.stdin.write("\t".join(line) + "\n")
    process.stdin.close()
    if process.wait():
        raise RuntimeError("the keys could not be copied")


def psql(url, sql):
    command = ["psql", "-qAtX", url, "-v", "ON_ERROR_STOP=1", "-c", sql]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
