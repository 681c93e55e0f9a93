"""Fills a database with keys while no server runs on it."""

import hashlib
import random
import sqlite3
import time
from contextlib import closing

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MINUTE = 60_000_000
INSERT = """
    INSERT INTO api_keys
        (id, account_id, service, mode, name, description, digest, mask, status, created_by, created_at)
    VALUES (?, ?, 'sms', 'live', ?, ?, ?, ?, ?, ?, ?)
"""


def seed(database, count):
    """Keys of the one account, a minute apart; gives their ids and times, newest first."""
    chance = random.Random(count)
    newest = time.time_ns() // 1000
    with closing(sqlite3.connect(database)) as connection, connection:
        operator, account = connection.execute("SELECT id, account_id FROM operators").fetchone()
        keys = [key(chance, number, newest - number * MINUTE, account, operator) for number in range(count)]
        connection.executemany(INSERT, keys)
    return [(row[0], row[-1]) for row in keys]


def key(chance, number, created_at, account, operator):
    secret = "".join(chance.choices(BASE62, k=38))
    digest = hashlib.sha256(f"sms_live_{secret}".encode()).digest()
    name = f"Project {number} SMS integration"
    description = f"Sends the reminders of project {number}, from its own queue." if number % 2 else ""
    status = "disabled" if number % 5 == 0 else "enabled"
    mask = f"sms_live_••••••{secret[-4:]}"
    return (id_of(chance, created_at), account, name, description, digest, mask, status, operator, created_at)


def id_of(chance, created_at):
    """`key_` and a UUID v7 in base 32, as the server makes them."""
    value = (created_at // 1000) << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)
    return "key_" + "".join(CROCKFORD[value >> 5 * place & 31] for place in reversed(range(26)))
