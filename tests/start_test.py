"""The API's port while the program reads what PostgreSQL has.

usage: start_test.py PROGRAM

A lock on a table holds the reading up: the port is open meanwhile, /healthz and /metrics answer,
and all else says what is going on with 503; when the lock is gone, the API answers.
"""

import subprocess
import sys
import tempfile
import unittest

from servers import Missing, Postgres, free_port
from waiting import get, wait_until

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "influencer-analytics"
SKIPPED = 77


class Start(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.database = self.enterContext(Postgres())
        self.shared = ["--postgres-url", self.database.url]
        self.run_once("migrate", *self.shared)
        self.shared += ["--store", "postgres", "--data-dir", self.directory]
        self.run_once("seed", *self.shared, "--influencers", "1-10")
        self.url = f"http://127.0.0.1:{free_port()}"

    def run_once(self, *arguments):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def start_api(self):
        process = subprocess.Popen(
            [PROGRAM, "api", *self.shared, "--listen", self.url.removeprefix("http://")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def lock_latest(self):
        blocker = subprocess.Popen(["psql", "--no-psqlrc", "--quiet", self.database.url],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(blocker.wait)
        self.addCleanup(blocker.kill)
        blocker.stdin.write("BEGIN; LOCK TABLE ia.latest IN ACCESS EXCLUSIVE MODE;\n\\echo held\n")
        blocker.stdin.flush()
        self.assertEqual(blocker.stdout.readline(), "held\n")
        return blocker

    def test_the_port_is_open_and_says_what_the_start_waits_for(self):
        self.database.ask("INSERT INTO ia.latest VALUES (7, now(), 70, 7)")
        blocker = self.lock_latest()
        self.start_api()
        reads = "reading the newest values"
        wait_until("it says what it does", lambda: reads in get(self.url + "/readyz")[1],
                   60)
        self.assertEqual(get(self.url + "/readyz")[0], 503)
        self.assertEqual(get(self.url + "/healthz")[0], 200)
        self.assertEqual(get(self.url + "/metrics")[0], 200)
        self.assertEqual(get(self.url + "/api/v1/influencers/7")[0], 503)
        blocker.communicate("COMMIT;\n", timeout=20)
        wait_until("it answers", lambda: get(self.url + "/api/v1/influencers/7")[0] == 200,
                   60)


if __name__ == "__main__":
    try:
        Postgres()
    except Missing as missing:
        print(f"SKIPPED: {missing}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1])
