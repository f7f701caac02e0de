"""The real program while its wall clock steps, against an oracle that knows what was answered when.

The network is in this process, so its clock is right and its Date says so. Whatever the program
stores must be a value that was answered in that very minute, nothing stored may go, and all goes on
by itself once the clock is right again, and before.

usage: clock_steps_test.py PROGRAM SHIM
"""

import collections
import contextlib
import http.server
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

from servers import ShimClock, free_port

SHIM = sys.argv.pop(2)
PROGRAM = sys.argv.pop(1)
DAY = 86_400
IDS = (1, 2, 3)


class Network:
    """Answers with a count that never repeats, and remembers in which minutes it was answered."""

    def __init__(self):
        self.answered = collections.defaultdict(dict)  # id -> count -> minute of epoch
        self.count = 1_000
        lock = threading.Lock()
        network = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                account = int(self.path.split("/")[-1])
                with lock:
                    network.count += 1
                    count = network.count
                    network.answered[account][count] = int(time.time()) // 60 * 60
                body = json.dumps({"pk": account, "username": f"name-{account}",
                                   "followerCount": count, "followingCount": 5}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ClockSteps(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.base = pathlib.Path(self.directory.name)
        self.clock = ShimClock(self.base / "offset", SHIM)
        self.clock.set(0)
        self.network = Network()
        self.api = f"127.0.0.1:{free_port()}"
        self.log = open(self.base / "log", "w+")
        self.process = None

    def tearDown(self):
        self.stop()
        self.network.close()
        self.log.close()
        self.directory.cleanup()

    def start(self):
        environment = dict(os.environ, **self.clock.env)
        environment["ASAN_OPTIONS"] = "verify_asan_link_order=0"
        self.process = subprocess.Popen(
            [PROGRAM, "run", "--mockstagram-url", self.network.url, "--influencers", "1-3",
             "--spread", "0s", "--check-interval", "0s", "--listen", self.api,
             "--data-dir", str(self.base / "data")],
            stdout=self.log, stderr=self.log, env=environment)
        self.wait("the API answers", lambda: self.get("/openapi.json") is not None)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.assertEqual(self.process.wait(20), 0, self.said())
        finally:
            self.process.kill()
            self.process.wait()
            self.process = None

    def said(self):
        self.log.flush()
        return (self.base / "log").read_text()

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.api}{path}", timeout=10) as reply:
            body = reply.read()
            return json.loads(body) if body[:1] in (b"{", b"[") else body

    def wait(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except (OSError, KeyError, TypeError):  # a value that is not there yet is None
                pass
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {what}\n{self.said()}")

    def stored(self, account):
        """What the API has of the last hours: minute -> count."""
        now = int(time.time())
        path = f"/api/v1/influencers/{account}/series?start={now - 4 * 3_600}&end={now}&step=1m"
        return {row[0] // 1_000: row[1] for row in self.get(path)["rows"] if row[1] is not None}

    def newest_minute(self):
        """Of all that the store has touched, in seconds: nothing may be in the future."""
        store = sqlite3.connect(f"file:{self.base}/data/store.db?mode=ro", uri=True)
        with contextlib.closing(store):
            minutes = store.execute("SELECT max((SELECT max(minute) FROM minute),"
                                    " (SELECT max(minute) FROM frame))").fetchone()
        return minutes[0] * 60

    def newest(self, account):
        return self.get(f"/api/v1/influencers/{account}")["follower_count"]

    def check(self, before):
        """All of what was stored before is, and every value is the truth. Returns what is now."""
        self.assertLessEqual(self.newest_minute(), time.time(), self.said())
        now = {account: self.stored(account) for account in IDS}
        for account in IDS:
            for minute, count in before.get(account, {}).items():
                self.assertEqual(now[account].get(minute), count, self.said())
            for minute, count in now[account].items():
                self.assertEqual(self.network.answered[account].get(count), minute, self.said())
        return now

    def wait_for_a_new_value(self):
        count = self.network.count
        self.wait("a value that is newer is stored and served",
                  lambda: all(self.newest(account) > count for account in IDS), 100)

    def test_a_wrong_clock_costs_nothing(self):
        self.start()
        self.wait_for_a_new_value()
        stored = self.check({})
        steps = (("31 days ahead for a second", 31 * DAY, 1),
                 ("2038", 2_145_916_800 - int(time.time()), None),
                 ("2100", 4_102_444_800 - int(time.time()), 1),
                 ("30 minutes back", -1_800, None),
                 ("31 days back", -31 * DAY, 1))
        for what, seconds, lasts in steps:
            with self.subTest(what):
                self.clock.set(seconds)
                if lasts is None:
                    self.wait_for_a_new_value()
                else:
                    time.sleep(lasts)  # that is how long the clock is wrong
                stored = self.check(stored)
                self.clock.set(0)
                stored = self.check(stored)
        self.wait_for_a_new_value()
        self.stop()
        for what, seconds in (("31 days ahead", 31 * DAY), ("30 minutes back", -1_800)):
            with self.subTest(f"restarted {what}"):
                self.clock.set(seconds)
                self.start()
                time.sleep(3)  # housekeeping looks twice a second
                stored = self.check(stored)
                self.stop()
        self.clock.set(0)
        self.start()
        self.wait_for_a_new_value()
        self.check(stored)


if __name__ == "__main__":
    unittest.main(verbosity=2)
