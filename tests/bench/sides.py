"""Two sides that are driven in turn with one load generator, and the figures that come of it.

Each server has one core and the load generator the other. Ratios are taken within a round, and rounds are short,
since the machine's speed comes and goes.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from statistics import median

import keyfob
import load
from figure import Figure

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "35"))
# How often the processes are new ones, where that is done; each time they have an equal part of the rounds. Two starts
# differ by a tenth and more, for as long as they run: the median of a few says little.
STARTS = max(1, ROUNDS // 2)
SECONDS = int(os.environ.get("BENCH_SECONDS", "1"))
SERVER_CORE, LOAD_CORE = 0, 1


@dataclass
class Side:
    """What is asked of whom; the processor time counted is that of `process`."""

    process: subprocess.Popen
    url: str
    script: str

    def drive(self):
        return load.drive(self.process, self.url, self.script, SECONDS, LOAD_CORE)


class Bare:
    """The bare server: the same HTTP library and build profile, the same JSON in and out, no logic."""

    def __init__(self):
        self.port = keyfob.free_port()
        self.origin = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        keyfob.build("--example", "bare")
        binary = keyfob.BINARY.parent / "examples" / "bare"
        self.process = subprocess.Popen([binary, f"127.0.0.1:{self.port}"], preexec_fn=pin)
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=40)


NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 100000000;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    {sites}
}}
"""
SITE = """
    upstream side{number} {{ server 127.0.0.1:{to}; keepalive 64; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ auth_request /door; empty_gif; }}
        location = /door {{
            internal;
            proxy_pass http://side{number}{path};
            proxy_http_version 1.1;
            proxy_pass_request_body off;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
        }}
    }}
"""


class Nginx:
    """One nginx with a site for each port and path that it asks; on the core of the servers behind those."""

    def __init__(self, folder, *asked):
        self.folder = folder
        self.asked = asked
        self.ports = [keyfob.free_port() for _ in asked]

    def __enter__(self):
        asked = enumerate(zip(self.ports, self.asked))
        sites = [SITE.format(number=number, port=port, to=to, path=path) for number, (port, (to, path)) in asked]
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=self.folder, sites="".join(sites)))
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        command = [program, "-e", self.folder / "log", "-p", self.folder, "-c", config]
        self.process = subprocess.Popen(command, preexec_fn=pin)
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)


def pin():
    os.sched_setaffinity(0, {SERVER_CORE})


def turns(ours, theirs, number_of_rounds=ROUNDS):
    """The rounds of both sides, driven in turn; who begins changes from round to round."""
    rounds = []
    for number in range(number_of_rounds):
        if number % 2:
            other = theirs.drive()
            rounds.append((ours.drive(), other))
        else:
            rounds.append((ours.drive(), theirs.drive()))
    return rounds


def compared(what, rounds, at_least):
    ours, theirs = zip(*rounds)
    cpu = f"{median(o.cpu_micros for o in ours):.2f} µs and {median(t.cpu_micros for t in theirs):.2f} µs"
    p99 = f"{median(o.p99_ms for o in ours):.2f} ms and {median(t.p99_ms for t in theirs):.2f} ms"
    return [
        rate(what, rounds, at_least),
        Figure(f"{what}: server time for a request", ratio(rounds, "cpu_micros"), 1.15, "×", cpu),
        Figure(f"{what}: p99", ratio(rounds, "p99_ms"), 1.5, "×", p99),
    ]


def rate(what, rounds, at_least=None):
    ours, theirs = (median(side.per_second for side in sides) for sides in zip(*rounds))
    times = " and ".join(f"{median(side.cpu_micros for side in sides):.2f}" for sides in zip(*rounds))
    note = f"{ours:,.0f}/s and {theirs:,.0f}/s, server time {times} µs"
    if failed := sum(side.failed for pair in rounds for side in pair):
        note += f", {failed} FAILED"
    return Figure(f"{what}: requests a second", ratio(rounds, "per_second"), at_least, "×", note, at_least=True)


def ratio(rounds, name):
    return median(getattr(ours, name) / getattr(theirs, name) for ours, theirs in rounds)
