"""Chromium without a window, spoken to through a pipe in its DevTools protocol."""

import fcntl
import json
import os
import select
import shutil
import time

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
QUIET_SECONDS = 1.0
PATIENCE_SECONDS = 60


def find():
    return os.environ.get("CHROME_PATH") or shutil.which("chromium") or shutil.which("google-chrome")


class Chromium:
    """A browser with one tab; closed at the end of `with`."""

    def __init__(self, profile):
        self.profile = profile
        self.unread = b""
        self.events = []
        self.commands = 0
        self.session = None

    def __enter__(self):
        # The protocol's pipe is file 3 for what the browser reads and 4 for what it writes.
        theirs_in, self.ours_out = high_pipe()
        self.ours_in, theirs_out = high_pipe()
        program = find()
        self.pid = os.posix_spawn(
            program,
            [program, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_in, 3),
                (os.POSIX_SPAWN_DUP2, theirs_out, 4),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        os.close(theirs_in)
        os.close(theirs_out)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Network.enable")
        self.call("Page.enable")
        return self

    def __exit__(self, *_):
        self.session = None
        self.call("Browser.close")
        os.waitpid(self.pid, 0)
        os.close(self.ours_in)
        os.close(self.ours_out)

    def set_cookie(self, origin, cookie):
        name, _, value = cookie.partition("=")
        self.call("Network.setCookie", url=origin, name=name, value=value, httpOnly=True, sameSite="Lax")

    def visit(self, url):
        """Opens a page and gives the bytes received for each URL, headers included."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        urls, received = {}, {}
        while message := self.receive(QUIET_SECONDS if self.is_loaded(urls, received) else PATIENCE_SECONDS):
            about = message.get("params", {})
            if message.get("method") == "Network.requestWillBeSent":
                urls[about["requestId"]] = about["request"]["url"]
            elif message.get("method") == "Network.loadingFinished":
                received[about["requestId"]] = about["encodedDataLength"]
        if not self.is_loaded(urls, received):
            raise RuntimeError(f"{url} did not load")
        return {urls[request]: int(count) for request, count in received.items() if urls[request].startswith("http")}

    @staticmethod
    def is_loaded(urls, received):
        return bool(received) and all(request in received for request in urls)

    def call(self, method, **params):
        self.commands += 1
        command = {"id": self.commands, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.ours_out, json.dumps(command).encode() + b"\0")
        kept = []
        while message := self.receive(PATIENCE_SECONDS):
            if message.get("id") == command["id"]:
                self.events += kept
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            kept.append(message)
        raise RuntimeError(f"Chromium did not answer {method}")

    def receive(self, seconds):
        """The next message; nothing when none comes in time."""
        if self.events:
            return self.events.pop(0)
        give_up = time.monotonic() + seconds
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.ours_in], [], [], max(0, give_up - time.monotonic()))
            arrived = os.read(self.ours_in, 1 << 16) if ready else b""
            if not arrived:
                return None
            self.unread += arrived
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)


def high_pipe():
    """Both ends above 9, so that neither stands where the browser expects its own."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high
