#!/usr/bin/env python3
"""Kills, clock steps, failing disks, flipped bits and backups, against an oracle of its own.

The oracle is this program: it makes batches of values, writes them into the queue of points in the
documented format (docs/formats.md), has the real sink store them, hurts the process or its files,
and compares what `export` says with what it made. A wrong value, or a missing one that nothing
reports, is a silent failure; there must be none.

    campaign.py BINARY IO_FAULT_LIBRARY CLOCK_SHIM [--trials N] [--seed N] [--settled]
"""
import argparse
import errno
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from servers import ShimClock  # noqa: E402

IDS = range(1000, 1120)
ROW = re.compile(r"(\d+),(\d{4}-\d\d-\d\dT\d\d:\d\d):00Z,(\d+),(\d+),")
DAMAGED = re.compile(r"damaged: influencer (\d+), (\S+)Z to (\S+)Z")


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def column(values):
    low = min(values)
    width = max(1, ((max(values) - low).bit_length() + 7) // 8)
    return varint(low) + bytes([width]) + b"".join(
        (value - low).to_bytes(width, "little") for value in values)


def batch(minute, values):
    """The bytes of a point batch: `values` by id, neighbours."""
    ids = sorted(values)
    body = b"IAB1" + varint(minute) + varint(2 * 7_000)
    body += varint(len(ids)) + varint(1) + varint(ids[0]) + varint(len(ids) - 1)
    body += column([values[i][0] for i in ids]) + column([values[i][1] for i in ids])
    body += varint(0) + varint(0)
    return body + zlib.crc32(body).to_bytes(4, "little")


def minute_of(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()) // 60


class Campaign:
    def __init__(self, binary, library, clock_shim, seed):
        self.binary, self.library, self.clock_shim = binary, library, clock_shim
        self.random = random.Random(seed)
        self.room = Path(tempfile.mkdtemp(prefix="ia_campaign."))
        self.truth = {}
        self.base = self.room / "base"
        # The hour that is open, and two that are over.
        self.first = int(time.time()) // 3600 * 60 - 120
        self.counts = {}
        self.silent = []

    def close(self):
        shutil.rmtree(self.room, ignore_errors=True)

    def values(self, minute):
        return {i: (self.random.randrange(10**7), self.random.randrange(10**4)) for i in IDS}

    def sink(self, data, **environment):
        log = open(data.with_suffix(".log"), "a")
        return subprocess.Popen(
            [self.binary, "sink", "--data-dir", data], stdout=log, stderr=log,
            env={**os.environ, **environment})

    def queue(self, data):
        return sqlite3.connect(data / "influencer_data_points.db", timeout=30)

    def send(self, data, batches):
        db = self.queue(data)
        now = int(time.time() * 1000)
        with db:
            for body in batches:
                cursor = db.execute(
                    "INSERT INTO messages(visible_at, timeout_ms, receive_count, sent_at) "
                    "VALUES (?, 0, 0, ?)", (now, now))
                db.execute("INSERT INTO bodies VALUES (?, ?)", (cursor.lastrowid, body))
        db.close()

    def waiting(self, data):
        try:
            db = self.queue(data)
            count = db.execute("SELECT count(*) FROM messages").fetchone()[0]
            db.close()
            return count
        except sqlite3.Error:
            return -1

    def drain(self, data, seconds=60):
        """Until the sink has stored all: the visibility of what a kill left ends by itself."""
        db = self.queue(data)
        with db:
            db.execute("UPDATE messages SET visible_at = 0")
        db.close()
        sink = self.sink(data)
        end = time.monotonic() + seconds
        while self.waiting(data) != 0 and time.monotonic() < end and sink.poll() is None:
            time.sleep(0.02)
        left = self.waiting(data)
        self.stop(sink)
        return left == 0

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(30)

    def make(self, minutes, truth):
        made = []
        for minute in minutes:
            values = self.values(minute)
            truth.update({(i, minute): counts for i, counts in values.items()})
            made.append(batch(minute, values))
        return made

    def prepare(self, settled):
        subprocess.run([self.binary, "seed", "--data-dir", self.base, "--influencers",
                        f"{IDS.start}-{IDS.stop - 1}"], check=True, stdout=subprocess.DEVNULL)
        sink = self.sink(self.base)
        while self.waiting(self.base) < 0:
            time.sleep(0.05)
            if sink.poll() is not None:
                raise SystemExit(self.base.with_suffix(".log").read_text())
        now = int(time.time()) // 60
        minutes = [m for m in range(self.first, now - 1) if m % 3 == 0 or m >= now - 20]
        self.send(self.base, self.make(minutes, self.truth))
        while self.waiting(self.base) > 0 or (settled and not list(
                (self.base / "segments").glob("hour-*.seg"))):
            time.sleep(0.1)
            if sink.poll() is not None:
                raise SystemExit(self.base.with_suffix(".log").read_text())
        self.stop(sink)

    def copy(self):
        data = self.room / "trial"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.base, data)
        return data

    def compare(self, what, data, truth, may_report):
        end = int(time.time()) // 60 + 1
        done = subprocess.run(
            [self.binary, "export", "--data-dir", data, "--influencers",
             f"{IDS.start}-{IDS.stop - 1}", "--start", str(self.first * 60), "--end",
             str(end * 60), "--partial", "on"], capture_output=True, text=True, timeout=120)
        found = {(int(i), minute_of(at)): (int(a), int(b))
                 for i, at, a, b in ROW.findall(done.stdout)}
        reported = set()
        for i, begin, end_ in DAMAGED.findall(done.stderr):
            reported.update((int(i), m) for m in range(minute_of(begin), minute_of(end_)))
        wrong = [key for key, value in found.items() if truth.get(key) != value]
        missing = [key for key in truth if key not in found]
        says_all = "newest transactions are damaged" in done.stderr
        refused = may_report and done.returncode != 0 and (
            "influencer-analytics: " in done.stderr or says_all)
        unsaid = [] if refused else [key for key in missing if key not in reported]
        if wrong or unsaid or (missing and done.returncode == 0) or (missing and not may_report):
            self.silent.append(f"{what}: {len(wrong)} wrong, {len(unsaid)} of {len(missing)} "
                               f"missing unsaid, exit {done.returncode}: {done.stderr[:300]}")
        outcome = "refused" if refused else "reported" if missing else "whole"
        key = (what.split()[0], outcome)
        self.counts[key] = self.counts.get(key, 0) + 1

    def flip(self):
        data = self.copy()
        files = [f for f in sorted(data.rglob("*"))
                 if f.is_file() and f.stat().st_size > 0 and f.suffix not in (".log", ".lock")]
        file = self.random.choice(files)
        content = bytearray(file.read_bytes())
        at = self.random.randrange(len(content))
        if self.random.random() < 0.2:
            sector = at // 512 * 512
            content[sector:sector + 512] = bytes(len(content[sector:sector + 512]))
        else:
            content[at] ^= 1 << self.random.randrange(8)
        file.write_bytes(content)
        self.compare(f"flip {file.name} at {at}", data, self.truth, may_report=True)

    def hurt(self, what, environment, seconds, during=lambda: None):
        data = self.copy()
        truth = dict(self.truth)
        now = int(time.time()) // 60
        missing = [m for m in range(self.first, now - 1) if (IDS.start, m) not in truth]
        minutes = self.random.sample(missing, min(8, len(missing)))
        self.send(data, self.make(minutes, truth))
        sink = self.sink(data, **environment)
        end = time.monotonic() + seconds
        during()
        while time.monotonic() < end and self.waiting(data) != 0 and sink.poll() is None:
            time.sleep(0.01)
        sink.kill()
        sink.wait()
        if not self.drain(data):
            self.silent.append(f"{what}: the queue does not become empty")
        self.compare(what, data, truth, may_report=False)

    def kill(self):
        self.hurt("kill", {}, self.random.random() * 0.6)

    def clock(self):
        """The wall clock is wrong for a while: before the batches are stored, or from then on."""
        offsets = [sign * (1 + self.random.random()) * seconds for sign in (-1, 1)
                   for seconds in (1, 60, 1800, 3600, 86400, 31 * 86400, 365 * 86400, 1.6e9)]
        steps = [0, int(self.random.choice(offsets)), 0][self.random.randrange(2):]
        clock = ShimClock(self.room / "clock", self.clock_shim, steps[0])

        def during():
            for offset in steps[1:]:
                time.sleep(self.random.random() * 0.4)  # the moment is what is tried
                clock.set(offset)

        self.hurt(f"clock {steps}", clock.env, 1, during)

    def fault(self):
        number = self.random.choice([errno.EIO, errno.ENOSPC])
        at = self.random.randrange(1, 120)
        self.hurt(f"fault {errno.errorcode[number]} at call {at}",
                  {"LD_PRELOAD": str(self.library), "IA_FAULT_DIR": str(self.room),
                   "IA_FAULT_AT": str(at), "IA_FAULT_ERRNO": str(number)}, 2)

    def backup(self):
        data = self.copy()
        truth = dict(self.truth)
        target = self.room / "backup"
        restored = self.room / "restored"
        for old in (target, restored, target.with_suffix(".partial")):
            shutil.rmtree(old, ignore_errors=True)
        now = int(time.time()) // 60
        missing = [m for m in range(self.first, now - 1) if (IDS.start, m) not in truth]
        self.send(data, self.make(self.random.sample(missing, min(8, len(missing))), truth))
        sink = self.sink(data)
        time.sleep(self.random.random() * 0.5)  # the moment is what is tried
        done = subprocess.run([self.binary, "backup", "--data-dir", data, "--to", target],
                              capture_output=True, text=True, timeout=60)
        if self.random.random() < 0.5:
            sink.kill()
        self.stop(sink)
        if done.returncode != 0:
            self.silent.append(f"backup: {done.stderr}")
            return
        verified = subprocess.run([self.binary, "verify", target], capture_output=True, text=True,
                                  timeout=60)
        if verified.returncode != 0:
            self.silent.append(f"backup: verify says {verified.stdout}")
        subprocess.run([self.binary, "restore", target, "--data-dir", restored], check=True,
                       capture_output=True, timeout=60)
        if not self.drain(restored):
            self.silent.append("backup: the restored queue does not become empty")
        self.compare("backup", restored, truth, may_report=False)

    def run(self, trials):
        kinds = [self.flip, self.kill, self.clock, self.flip, self.fault, self.backup]
        for trial in range(trials):
            kinds[trial % len(kinds)]()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("clock_shim", type=Path)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--settled", action="store_true", help="wait for an hour to be settled")
    arguments = parser.parse_args()
    campaign = Campaign(arguments.binary.resolve(), arguments.library.resolve(),
                        arguments.clock_shim.resolve(), arguments.seed)
    try:
        campaign.prepare(arguments.settled)
        campaign.run(arguments.trials)
    finally:
        campaign.close()
    print(f"seed {arguments.seed}, {arguments.trials} trials:")
    for (kind, outcome), count in sorted(campaign.counts.items()):
        print(f"  {kind:8} {outcome:9} {count}")
    for line in campaign.silent:
        print("SILENT", line)
    print(f"silent failures: {len(campaign.silent)}")
    return 1 if campaign.silent else 0


if __name__ == "__main__":
    sys.exit(main())
