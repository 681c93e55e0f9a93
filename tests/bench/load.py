"""One load generator (wrk) against one server: requests a second, latency, and the server's own time."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Load:
    """What one round came to; `cpu_micros` is the server's processor time for a request."""

    per_second: float
    p99_ms: float
    cpu_micros: float
    failed: int


def drive(process, url, script, seconds, core=None, connections=CONNECTIONS):
    """Drives `url` for so many seconds, from a core of its own where that is asked for."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + DONE)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", file.name, url]
        before = cpu_seconds(process.pid)
        run = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=lambda: pin(core))
        spent = cpu_seconds(process.pid) - before
    found = re.search(r"result (\d+) (\d+) (\d+) (\d+)", run.stdout)
    requests, micros, p99, failed = (int(part) for part in found.groups())
    return Load(requests / (micros / 1e6), p99 / 1000, spent / requests * 1e6, failed)


def pin(core):
    if core is not None:
        os.sched_setaffinity(0, {core})


# Answers of 400 and above are failures, as are broken connections.
DONE = """
done = function(summary, latency)
  local e = summary.errors
  print(string.format("result %d %d %d %d", summary.requests, summary.duration, latency:percentile(99),
    e.connect + e.read + e.write + e.timeout + e.status))
end
"""


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ask_verify(keys):
    """A script that asks about these keys, one after the other. In their order, in which they lie in memory: picking any of
    thousands would keep the load generator waiting for its memory, and not the server for its own."""
    bodies = "\n".join(f'[=[{{"key":"{key}"}}]=],' for key in keys)
    return f"""
local bodies = {{ {bodies} }}
local requests = {{}}
wrk.headers["Content-Type"] = "application/json"
init = function()
  for i, body in ipairs(bodies) do requests[i] = wrk.format("POST", nil, nil, body) end
end
local last = 0
request = function()
  last = last % #requests + 1
  return requests[last]
end
"""


def ask_verify_any(file):
    """A script that asks about any of the keys in a file, which are all equally long, at random."""
    return f"""
local keys, head, tail = {{}}, "", ""
wrk.headers["Content-Type"] = "application/json"
init = function()
  for key in io.lines("{file}") do keys[#keys + 1] = key end
  math.randomseed(os.time()) -- other keys in every round
  local whole = wrk.format("POST", nil, nil, '{{"key":"' .. keys[1] .. '"}}')
  local first, last = whole:find(keys[1], 1, true)
  head, tail = whole:sub(1, first - 1), whole:sub(last + 1)
end
request = function() return head .. keys[math.random(#keys)] .. tail end
"""


def ask_auth(key):
    """A script that asks as a reverse proxy does."""
    return f'wrk.headers["X-API-Key"] = "{key}"\n'


def ask_introspect(manager, key):
    """A script that asks as a resource server does, by a management key."""
    return f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Authorization"] = "Bearer {manager}"
wrk.body = "token={key}"
"""


def send_messages(key, pause=0):
    """A script that sends a message to one recipient, another one each time, with a pause of milliseconds before."""
    return f"""
delay = function() return {pause} end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
local number = 0
request = function()
  number = number + 7919
  local body = '{{"to":"+4207%08d","text":"Your code is 4711"}}'
  return wrk.format(nil, nil, nil, string.format(body, number % 100000000))
end
"""
