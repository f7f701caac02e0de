"""Real servers for tests and benchmarks, on free ports and directories of their own.

All are context managers. Missing says what is not installed: skip the test with it, loudly.
"""

import os
import pathlib
import pwd
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parent


class Missing(Exception):
    """What the server needs is not on this machine."""


class ShimClock:
    """The wall clock of a program that runs with tests/clock_shim.c and `env`: `seconds` off, or,
    with `stands_still`, at `seconds`."""

    def __init__(self, file, shim, seconds=0, stands_still=False):
        self.file, self.seconds = pathlib.Path(file), seconds
        self.env = {"LD_PRELOAD": str(shim), "CLOCK_SHIM": str(file)}
        if stands_still:
            self.env["CLOCK_SHIM_STILL"] = "1"
        self.file.write_bytes(struct.pack("=q", seconds))

    def set(self, seconds):
        self.seconds = seconds
        with open(self.file, "r+b") as file:  # never shorter: the program has it mapped
            file.write(struct.pack("=q", seconds))


_ours = []  # as long as this process lives


def free_port():
    """Below the ports that the kernel gives to clients, so that it is still free when it is bound,
    and when a server that was killed comes back. No other test gets it while this process lives:
    its name is taken in the abstract namespace, as free_port of postgres_server.cpp does."""
    while True:
        port = random.randrange(15_000, 32_000)
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0influencer-analytics-test-port-{port}")
            with socket.socket() as sock:
                sock.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        _ours.append(name)
        return port


class Fauxqs:
    """An SQS server: fauxqs in real time. `modules` is the node_modules of tests/node."""

    def __init__(self, modules):
        self.modules = pathlib.Path(modules).resolve()
        self.node = self.modules / ".bin/node"
        if not (self.modules / "fauxqs").is_dir() or not self.node.exists():
            raise Missing(f"fauxqs is not installed: tests/node/install.py {self.modules.parent}")

    def __enter__(self):
        self.process = subprocess.Popen(
            [str(self.node), str(TESTS / "sqs/fauxqs.mjs"), str(self.modules), "--port", "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().split()[1]}"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    @property
    def pid(self):
        return self.process.pid


class ElasticMq:
    """An SQS server: ElasticMQ, which keeps all in memory. `jars` is the folder that
    tests/elasticmq/install_elasticmq.py fills, `env` what its environment has besides."""

    def __init__(self, jars, env=None):
        self.jars = pathlib.Path(jars).resolve()
        self.env = {**os.environ, **(env or {})}
        if not shutil.which("java"):
            raise Missing("Java is not installed: apt-get install default-jre-headless")
        if not any(self.jars.glob("elasticmq-server*.jar")):
            raise Missing(f"ElasticMQ is not in {self.jars}: see tests/elasticmq")

    def __enter__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {"rest-sqs.bind-hostname": "127.0.0.1", "rest-sqs.bind-port": self.port,
                    "node-address.host": "127.0.0.1", "node-address.port": self.port,
                    "rest-stats.enabled": "false"}
        self.process = subprocess.Popen(
            ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             *(f"-D{name}={value}" for name, value in settings.items()),
             "-cp", f"{self.jars}/*", "org.elasticmq.server.Main"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=self.env)
        said = ""
        for line in self.process.stdout:
            said += line
            if "Started SQS rest server" in line:
                # It goes on to log, and must not wait for a reader.
                self.reader = threading.Thread(target=self.process.stdout.read, daemon=True)
                self.reader.start()
                return self
        self.process.wait()
        raise RuntimeError(f"ElasticMQ does not start: {said}")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    @property
    def pid(self):
        return self.process.pid


class Postgres:
    """PostgreSQL as Debian installs it, with an empty database `analytics` for its owner `ia`.

    As root it runs as the user postgres, or nobody: the server refuses root.
    """

    def __init__(self, *settings):
        # Settings without fsync: what is measured and tested here is not the disk.
        self.settings = ["fsync=off", "synchronous_commit=off", *settings]
        binaries = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                          key=lambda path: int(path.parts[-3]))
        if not binaries:
            raise Missing("PostgreSQL's server is not installed: apt-get install postgresql-15")
        self.binaries = binaries[-1].parent

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="ia_postgres.", dir="/tmp")
        self.data = os.path.join(self.directory.name, "data")
        self.user = {}
        if os.geteuid() == 0:
            names = {entry.pw_name: entry for entry in pwd.getpwall()}
            entry = names.get("postgres") or names["nobody"]
            os.chown(self.directory.name, entry.pw_uid, entry.pw_gid)
            self.user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        self._run("initdb", "-D", self.data, "-U", "ia", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.port = free_port()
        self.url = f"postgresql://ia@127.0.0.1:{self.port}/analytics"
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "ia", "analytics")
        return self

    def __exit__(self, *_):
        self.kill()
        self.directory.cleanup()

    def _run(self, program, *arguments):
        done = subprocess.run([str(self.binaries / program), *arguments], cwd="/",
                              capture_output=True, text=True, timeout=120, **self.user)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout

    def start(self):
        options = [f"--{name}={value}" for name, value in
                   (setting.split("=", 1) for setting in self.settings)]
        self.process = subprocess.Popen(
            [str(self.binaries / "postgres"), "-D", self.data, "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1", "-k", self.directory.name, *options],
            cwd="/", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **self.user)
        end = time.monotonic() + 60
        while True:
            try:
                return self.ask("SELECT 1", database="postgres")
            except RuntimeError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def kill(self):
        """As a crash of the server: every connection breaks at once."""
        self.process.kill()
        self.process.wait()

    def ask(self, sql, database="analytics"):
        """The rows as lists of strings."""
        said = self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "ia", "-d",
                         database, "-X", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql)
        return [line.split("\t") for line in said.splitlines()]

    @property
    def pid(self):
        return self.process.pid
