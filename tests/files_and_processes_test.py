"""The real binary's files, signals and errors, as its surroundings see them: seconds, no network.

usage: files_and_processes_test.py PROGRAM
"""

import email.utils
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import servers
from waiting import wait_until

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "influencer-analytics"


def run(*arguments, **more):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, **more)


class Upstream:
    """Answers everything with one status, and a clock of its own."""

    def __init__(self, status, behind=0):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name
                self.send_response_only(status)
                self.send_header("Date", email.utils.formatdate(time.time() - behind, usegmt=True))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Room(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.room = pathlib.Path(directory.name)
        self.data = self.room / "data"

    def start(self, *arguments, **more):
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen([PROGRAM, *map(str, arguments)], text=True, **more)

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in filter(None, (process.stdin, process.stdout)):
                stream.close()
        self.addCleanup(end)
        return process

    def seed(self):
        done = run("seed", "--data-dir", self.data, "--influencers", "1-10")
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_fails(self, done, *said, code=1):
        self.assertEqual(done.returncode, code, done.stderr)
        for text in said:
            self.assertIn(text, done.stderr)


class Files(Room):
    def export(self, output, **more):
        return run("export", "--data-dir", self.data, "--influencer", 1, "--output", output, **more)

    def test_an_export_writes_as_cat_would(self):
        self.seed()
        kept = self.room / "kept.csv"
        kept.touch()
        kept.chmod(0o600)
        other = self.room / "kept.csv.part"
        other.write_text("somebody's")
        link = self.room / "link.csv"
        link.symlink_to("kept.csv")
        self.assertEqual(self.export(link).returncode, 0)
        self.assertTrue(link.is_symlink())
        self.assertIn("influencer_id", kept.read_text())
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertEqual(other.read_text(), "somebody's")
        self.assertEqual(self.export("/dev/null").returncode, 0)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))
        new = self.room / "new.csv"
        self.assertEqual(self.export(new, umask=0o022).returncode, 0)
        self.assertEqual(stat.S_IMODE(new.stat().st_mode), 0o644)
        for name in ("/dev/stdout", "/dev/fd/1"):
            with open(self.room / "log", "w+", encoding="utf-8") as log:
                command = f"echo before; {PROGRAM} export --data-dir {self.data} --influencer 1 " \
                          f"--output {name}; echo after"
                subprocess.run(["sh", "-c", command], stdout=log, stderr=subprocess.DEVNULL,
                               check=True)
                log.seek(0)
                self.assertRegex(log.read(), r"^before\ninfluencer_id.*\s+after\n$")
        self.assert_fails(self.export("/dev/full"), "/dev/full", "No space left")
        self.assert_fails(self.export(self.room), "it is a directory")

    # It waits for a reader of the pipe, so there is a moment to stop it in.
    def test_an_export_can_be_stopped(self):
        self.seed()
        pipe = self.room / "pipe"
        os.mkfifo(pipe)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start("export", "--data-dir", self.data, "--influencer", 1, "--output",
                                 pipe)
            wait_until("it has opened the store",
                       lambda p=process: "store.db" in str(self.open_files(p)))
            process.send_signal(number)
            self.assertEqual(process.wait(10), -number)

    @staticmethod
    def open_files(process):
        folder = pathlib.Path(f"/proc/{process.pid}/fd")
        return [os.readlink(entry) for entry in folder.iterdir() if entry.is_symlink()]

    def test_all_that_is_stored_is_of_the_owner_alone(self):
        network = self.start("mockstagram", "--listen", "127.0.0.1:0", "--influencers", "1-10")
        url = network.stdout.readline().split()[1].rsplit("/api", 1)[0]
        process = self.start("run", "--data-dir", self.data, "--influencers", "1-10",
                             "--listen", "127.0.0.1:0", "--mockstagram-url", url, umask=0o000)
        process.stdout.readline()
        backup = self.room / "backup" / ""
        done = run("backup", "--data-dir", self.data, "--to", backup, umask=0o000)
        self.assertEqual(done.returncode, 0, done.stderr)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)
        for root in (self.data, self.room / "backup"):
            found = [root, *root.rglob("*")]
            self.assertGreater(len(found), 4)
            for path in found:
                wanted = 0o700 if path.is_dir() else 0o600
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), wanted, path)

    def test_a_backup_touches_nothing_beside_its_own(self):
        self.seed()
        partial = self.room / "backup.partial"
        partial.mkdir()
        (partial / "file").write_text("somebody's")
        self.assertEqual(run("backup", "--data-dir", self.data, "--to",
                             self.room / "backup").returncode, 0)
        self.assertEqual((partial / "file").read_text(), "somebody's")
        self.assert_fails(run("backup", "--data-dir", self.data, "--to", self.room / "backup"),
                          "exists")
        self.assertEqual({path.name for path in self.room.iterdir()},
                         {"data", "backup", "backup.partial"})

    # Files that are opened take the place of a closed stream, and would get what is printed.
    def test_closed_standard_streams_are_not_taken_by_data_files(self):
        self.seed()
        process = self.start("sink", "--data-dir", self.data, stdin=subprocess.PIPE,
                             preexec_fn=lambda: os.closerange(0, 3), stdout=None, stderr=None)
        wait_until("it has opened the store",
                   lambda: "store.db" in str(self.open_files(process)))
        for number in range(3):
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{number}"), "/dev/null")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)


class Places(Room):
    def test_a_mistyped_data_directory_is_not_made(self):
        for stage in ("api", "fetch", "sink", "check"):
            done = run(stage, "--data-dir", self.data)
            self.assert_fails(done, str(self.data), "does not exist", "--data-dir")
            self.assertFalse(self.data.exists())
        self.data.mkdir()
        self.assert_fails(run("sink", "--data-dir", self.data), "holds no store yet")
        self.assertEqual(list(self.data.iterdir()), [])

    @unittest.skipUnless(os.geteuid() == 0, "another user is needed")
    def test_a_directory_without_permission_is_told_as_that(self):
        self.seed()
        self.room.chmod(0o755)
        nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        program = self.room / "program"
        program.write_bytes(pathlib.Path(PROGRAM).read_bytes())
        program.chmod(0o755)
        for command in (("export", "--influencer", "1"), ("sink",), ("verify",), ("queues", "show"),
                        ("backup", "--to", "/tmp/never-made")):
            done = subprocess.run([program, *command, "--data-dir", self.data], timeout=60,
                                  capture_output=True, text=True, cwd="/", check=False, **nobody)
            self.assert_fails(done, str(self.data), "Permission denied")

    def test_a_port_in_use_is_found_before_anything_is_stored(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = run("run", "--influencers", "1-10", "--data-dir", self.data, "--listen", address)
            self.assert_fails(done, f"cannot listen on {address}", "--listen", "ss -ltnp")
            self.assertFalse(self.data.exists())
            self.seed()
            done = run("sink", "--data-dir", self.data, "--metrics-listen", address)
            self.assert_fails(done, address, "--metrics-listen")


class Demo(Room):
    def setUp(self):
        super().setUp()
        self.place = self.room / "tmp"
        self.place.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.place)}

    def demo(self, **more):
        process = self.start("demo", "--influencers", "1-10", "--listen", "127.0.0.1:0",
                             env=self.environment, **more)
        for line in process.stdout:
            if line.startswith("data "):
                return process, pathlib.Path(line.split()[1])
        raise AssertionError(f"it ended with {process.wait()}")

    def test_its_data_goes_with_every_end_that_leaves_it_the_chance(self):
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            process, data = self.demo()
            self.assertTrue((data / "store.db").exists())
            process.send_signal(number)
            self.assertEqual(process.wait(30), 0, number)
            self.assertEqual(list(self.place.iterdir()), [], number)

    def test_it_ends_when_nobody_reads_it_any_more(self):
        read, write = os.pipe()
        os.close(read)
        process = self.start("demo", "--influencers", "1-10", "--listen", "127.0.0.1:0",
                             env=self.environment, stdout=write)
        os.close(write)
        self.assertEqual(process.wait(30), 0)
        self.assertEqual(list(self.place.iterdir()), [])

    def test_the_next_one_removes_what_a_killed_one_left(self):
        process, left = self.demo()
        process.kill()
        process.wait()
        self.assertTrue((left / "store.db").exists())
        other = self.place / "influencer-analytics.abcdef"  # of a program without the lock
        other.mkdir()
        living, living_data = self.demo()
        self.assertFalse(left.exists())
        second, _ = self.demo()
        self.assertTrue((living_data / "store.db").exists())
        self.assertTrue(other.exists())
        for process in (living, second):
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 0)
        self.assertEqual(list(self.place.iterdir()), [other])

    # As nohup does.
    def test_a_hang_up_that_is_ignored_stays_ignored(self):
        process, data = self.demo(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(1)
        self.assertTrue(data.exists())

    def test_a_tmpdir_that_is_not_there_is_named(self):
        done = run("demo", "--influencers", "1-10", "--listen", "127.0.0.1:0",
                   env={**os.environ, "TMPDIR": "/no/such/place"})
        self.assert_fails(done, "/no/such/place is not a directory", "TMPDIR")


class Errors(Room):
    def test_a_purge_without_a_terminal_needs_its_confirmation(self):
        self.seed()
        where = ("--queue", "embedded", "--data-dir", self.data)
        seeded = self.messages(where)
        self.assertGreater(seeded, 0)
        self.assert_fails(run("queues", "purge", *where, stdin=subprocess.DEVNULL), "--yes")
        self.assertEqual(self.messages(where), seeded)
        done = run("queues", "purge", "--yes", *where)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.messages(where), 0)

    # Delayed ones become visible as time goes by.
    def messages(self, where):
        shown = run("queues", "show", *where).stdout
        counts = re.findall(r"(\d+) (?:visible|in flight|delayed)", shown)
        self.assertEqual(len(counts), 6, shown)
        return sum(map(int, counts))

    def test_fatal_errors_are_json_where_the_log_is(self):
        for command in (("sink", "--data-dir", self.data), ("run", "--influencers", "abc"),
                        ("export", "--influencer", "1", "--data-dir", self.data),
                        ("queues", "show", "--data-dir", self.data),
                        ("seed", "--influencers", "1", "--data-dir", "/dev/null/x")):
            done = run(*command, "--log-format", "json")
            self.assertNotEqual(done.returncode, 0)
            for line in done.stderr.splitlines():
                self.assertEqual(json.loads(line)["level"], "error", command)

    def test_doctor_says_what_the_network_answers(self):
        for status, said in ((501, "answers HTTP 501"), (403, "refuses this client"),
                             (302, "redirects"), (503, "fault of its own"), (404, "")):
            upstream = Upstream(status)
            self.addCleanup(upstream.close)
            done = run("doctor", "--data-dir", self.data, "--listen", "127.0.0.1:0",
                       "--mockstagram-url", upstream.url)
            self.assertNotIn("does not answer", done.stdout)
            self.assertIn(said, done.stdout)

    def test_doctor_compares_the_clock_with_the_networks(self):
        for behind, said in ((0, "as the network's"), (3600, "+3600")):
            upstream = Upstream(404, behind)
            self.addCleanup(upstream.close)
            done = run("doctor", "--data-dir", self.data, "--listen", "127.0.0.1:0",
                       "--mockstagram-url", upstream.url)
            clock = [line for line in done.stdout.splitlines() if " clock: " in line][0]
            if behind:
                self.assertRegex(clock, r"\+(3599|3600|3601)\.\d s from the network's")
            else:
                self.assertIn(said, clock)

    def test_doctor_says_how_much_disk_is_needed(self):
        self.seed()
        where = ("--data-dir", self.data, "--listen", "127.0.0.1:0",
                 "--mockstagram-url", "http://127.0.0.1:1")
        self.assertIn("10 influencers every 1m take up to", run("doctor", *where).stdout)
        done = run("doctor", *where, "--influencers", "1-50000000", "--retention", "3650d")
        self.assertRegex(done.stdout, r"warn +size: 50000000 influencers .* over 3650d")
        self.assertIn("shorten --retention", done.stdout)

    def test_a_database_that_cannot_be_reached_names_the_setting(self):
        where = {**os.environ, "PGHOST": str(self.room)}
        self.assert_fails(run("migrate", env=where), ".s.PGSQL.5432", "--postgres-url")
        self.assert_fails(run("export", "--influencer", "1", "--store", "postgres",
                              "--postgres-url", "postgresql://127.0.0.1:1/x"), "--postgres-url")

    def test_rights_are_granted_to_roles_that_are_there(self):
        try:
            with servers.Postgres() as server:
                done = run("migrate", "--postgres-url", server.url, "--grant-to", 'no"such role')
                self.assert_fails(done, 'the role "no""such role" of --grant-to does not exist',
                                  "CREATE ROLE")
                self.assertNotIn("run influencer-analytics migrate", done.stderr)
                self.assertEqual(server.ask("SELECT count(*) FROM pg_namespace "
                                            "WHERE nspname = 'ia'"), [["0"]])
        except servers.Missing as missing:
            self.skipTest(str(missing))


if __name__ == "__main__":
    unittest.main(verbosity=2)
