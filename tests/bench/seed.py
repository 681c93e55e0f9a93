"""Fills a database with keys while no server runs on it."""

import hashlib
import random
import sqlite3
import time
from contextlib import closing

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MINUTE = 60_000_000
KEY = """
    INSERT INTO api_keys (id, account_id, service, mode, name, description, status, created_by, created_at)
    VALUES (:id, :account, 'sms', 'live', :name, :description, :status, :operator, :created_at)
"""
SECRET = """
    INSERT INTO key_secrets (id, api_key_id, digest, mask, tail, created_at, origin)
    VALUES (:secret_id, :id, :digest, :mask, :tail, :created_at, 'minted')
"""
OWNER = "SELECT operator_id, account_id FROM memberships"


def seed(database, count):
    """Keys of the one account, a minute apart; gives their ids and times, newest first."""
    chance = random.Random(count)
    newest = time.time_ns() // 1000
    with closing(sqlite3.connect(database)) as connection, connection:
        operator, account = connection.execute(OWNER).fetchone()
        keys = [key(chance, number, newest - number * MINUTE, account, operator) for number in range(count)]
        insert(connection, keys)
    return [(row["id"], row["created_at"]) for row in keys]


def insert(connection, keys):
    connection.executemany(KEY, keys)
    connection.executemany(SECRET, keys)


def key(chance, number, created_at, account, operator):
    secret = "sms_live_" + "".join(chance.choices(BASE62, k=38))
    description = f"Sends the reminders of project {number}, from its own queue." if number % 2 else ""
    status = "disabled" if number % 5 == 0 else "enabled"
    return row(chance, number, secret, created_at, account, operator, description, status)


def row(chance, number, secret, created_at, account, operator, description="", status="enabled"):
    """A key and its one secret."""
    key_id = id_of(chance, created_at)
    return {
        "id": key_id,
        "secret_id": "ksec_" + key_id[4:],
        "account": account,
        "name": f"Project {number} SMS integration",
        "description": description,
        "digest": hashlib.sha256(secret.encode()).digest(),
        "mask": f"sms_live_••••••{secret[-4:]}",
        "tail": secret[-4:],
        "status": status,
        "operator": operator,
        "created_at": created_at,
    }


def id_of(chance, created_at):
    """`key_` and a UUID v7 in base 32, as the server makes them."""
    value = (created_at // 1000) << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)
    return "key_" + "".join(CROCKFORD[value >> 5 * place & 31] for place in reversed(range(26)))
