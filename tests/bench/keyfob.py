"""The shipped binary under measurement: built, run on a database of its own, spoken to over HTTP."""

import http.client
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "dist"  # what is shipped
BINARY = ROOT / "target" / PROFILE / "keyfob"
EMAIL = "ada@example.com"
PASSWORD = "violet lantern orbit walrus"
# With plain http its name carries something of the installation.
SESSION_COOKIE = re.compile(r"keyfob-[0-9a-f]{8}=")
ANSWERED = re.compile(r"method=(\w+) path=([^}]*)\}.* answered status=(\d+) micros=(\d+)")


def build(*example):
    """Builds what is shipped, or an example to compare it with, if it is missing or older than its sources."""
    command = ["build", "--profile", PROFILE, "--locked", *example] if example else ["dist"]
    subprocess.run(["cargo", *command], cwd=ROOT, check=True)


def environment():
    """This process's, without settings that would change what is measured."""
    settings = [name for name in os.environ if name == "DATABASE_URL" or name.startswith("KEYFOB_")]
    return {name: value for name, value in os.environ.items() if name not in settings}


def use_two_cores():
    """The server starts a worker for every core it may use; the limits are for two workers."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:2])
    return len(cores[:2])


def make_database(url):
    """An installation with one operator."""
    command = [BINARY, "--database-url", url, "operator", "add", EMAIL, "--create"]
    subprocess.run(command, input=PASSWORD, text=True, check=True, env=environment(), stdout=subprocess.DEVNULL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running Keyfob; stopped at the end of `with`."""

    def __init__(self, database, port=None, core=None, url=None, arguments=(), log=None):
        self.arguments = arguments
        self.level = log
        self.url = url or f"sqlite:{database}"
        self.core = core
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.log = database.with_suffix(".log")
        self.cookie = None

    def __enter__(self):
        # Every request's own time, taken by the server, and nothing else from others.
        level = "warn" if self.core is not None else "warn,keyfob::http::request_id=debug"
        settings = {**environment(), "KEYFOB_LOG": self.level or level}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [BINARY, "--database-url", self.url, "--listen", f"127.0.0.1:{self.port}", *self.arguments],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=settings,
                preexec_fn=self.pin,
            )
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            self.wait_for_first_200()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def pin(self):
        """To one core, where that is asked for: the server then starts one worker."""
        if self.core is not None:
            os.sched_setaffinity(0, {self.core})

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)

    def wait_for_first_200(self):
        give_up = time.monotonic() + 30
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")
            # Short against what is measured, and long enough to leave the core to the server.
            time.sleep(0.0002)

    def answers(self):
        request = f"GET /login HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(request)
                return connection.recv(64).startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False

    def request(self, method, path, form=None, headers=()):
        """Sends one request on the kept-alive connection and reads the whole answer."""
        headers = {"Origin": self.origin, **dict(headers)}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            form = urllib.parse.urlencode(form)
        self.connection.request(method, path, body=form, headers=headers)
        response = self.connection.getresponse()
        return response, response.read()

    def log_in(self):
        self.cookie = None
        response, _ = self.request("POST", "/login", {"email": EMAIL, "password": PASSWORD})
        if response.status != 303:
            raise RuntimeError(f"the login was answered with {response.status}")
        cookies = [value.split(";")[0] for value in response.headers.get_all("Set-Cookie")]
        self.cookie = next(cookie for cookie in cookies if SESSION_COOKIE.match(cookie))

    def get(self, path, **headers):
        return self.expect_200(*self.request("GET", path, headers=headers))

    def post(self, path, form, **headers):
        return self.expect_200(*self.request("POST", path, form, headers))

    @staticmethod
    def expect_200(response, body):
        if response.status != 200:
            raise RuntimeError(f"answered with {response.status}: {body[:200]!r}")
        return body

    def milliseconds(self, count):
        """What the server itself took for its latest requests."""
        times = [int(micros) / 1000 for _, _, _, micros in ANSWERED.findall(self.log.read_text())]
        return times[-count:]

    def resident_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024
