#!/usr/bin/env python3
"""The whole pipeline against the simulator, as two processes.

  bench/pipeline_bench.py saturated [--minutes 3] [--pipelining 8]
      CPU per stored point of the whole program (fetch, queues, store, leaderboard, API), flat out
      on one core, against the CPU per request of wrk -c64 on the same core and simulator, in one
      run. wrk runs before and after.
  bench/pipeline_bench.py paced [--minutes 10] [--pipelining 8] [--no-checks] [--ids both]
      A million influencers a minute at the default pace, nothing pinned: CPU share and memory of
      the program alone, coverage, bytes written to disk per point (70 minutes contain an hour's
      settling), how soon after its end a minute is complete, and what the first whole minute after
      the first start, in which all names are stored, costs against a usual one. The daily check
      of everybody runs beside it at its full pace, a million a day, unless --no-checks. --ids
      scattered takes a million random ids below 2^53; both runs one after the other and prints the
      ratios scattered / contiguous.
  bench/pipeline_bench.py checks [--minutes 3] [--check-seconds 2,10]
      Whether the daily check of everybody costs the fetching anything: a million influencers a
      minute without it, then with checks that take so many seconds each, then without it again.
      Rate: points a second. Lag: the age of the newest value that is served, looked at twice a
      second, and the second of the minute in which its last value was retrieved.

Needs wrk (Debian package wrk) for `saturated`; `paced` states the machine's speed with it where it
is installed. Prints ratios; absolute figures are this machine's.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def bytes_written(pid):
    """What it had the system write to disks, without what was deleted before that."""
    fields = dict(line.split(": ") for line in
                  pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["write_bytes"]) - int(fields["cancelled_write_bytes"])


def resident_mib(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


def peak_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 2**10


def scattered_ids(count, path):
    """A file of random ids below 2^53."""
    ids = random.Random(53).sample(range(2**53), count)
    path.write_text("\n".join(map(str, sorted(ids))))
    return str(path)


def size_of(influencers):
    if os.path.exists(influencers):
        return len(pathlib.Path(influencers).read_text().split())
    first, last = (int(n) for n in influencers.split("-"))
    return last - first + 1


def first_of(influencers):
    text = pathlib.Path(influencers).read_text() if os.path.exists(influencers) else influencers
    return re.match(r"\d+", text).group()


def pinned(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


def wait_for(url):
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"no answer from {url}")


def start_simulator(program, address, influencers, core, *more):
    process = subprocess.Popen(
        pinned(core, [program, "mockstagram", "--mockstagram-listen", address,
                      "--influencers", influencers, *more]),
        stdout=subprocess.DEVNULL)
    wait_for(f"http://{address}/api/v1/influencers/{first_of(influencers)}")
    return process


def wrk(address, influencers, core, seconds=10, kinds=("same id", "varying id")):
    """CPU microseconds per request of wrk -c64."""
    first = first_of(influencers)
    last = int(first) + size_of(influencers) - 1
    script = (f"local n={first}\nrequest=function()\n n=n+1\n if n>{last} then n={first} end\n"
              " return wrk.format('GET','/api/v1/influencers/'..n)\nend\n")
    results = {}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script)
        lua.flush()
        for kind in kinds:
            extra = ["-s", lua.name] if kind == "varying id" else []
            process = subprocess.Popen(
                pinned(core, ["wrk", "-t1", "-c64", f"-d{seconds}s", *extra,
                              f"http://{address}/api/v1/influencers/{first}"]),
                stdout=subprocess.PIPE, text=True)
            output = process.stdout.read()
            _, _, usage = os.wait4(process.pid, 0)
            requests = int(re.search(r"(\d+) requests in", output).group(1))
            results[kind] = (usage.ru_utime + usage.ru_stime) / requests * 1e6
            print(f"  wrk -t1 -c64, {kind:10}  {requests / seconds:9,.0f} requests/s"
                  f"  {results[kind]:5.2f} us CPU a request", flush=True)
    return results


class Run:
    """The program, its report lines as they come, its CPU and memory."""

    def __init__(self, program, address, influencers, minutes, core, more):
        self.directory = tempfile.TemporaryDirectory(prefix="ia_bench.")
        self.listen = f"127.0.0.1:{free_port()}"
        command = [program, "run", "--mockstagram-url", f"http://{address}",
                   "--influencers", influencers, "--data-dir", self.directory.name,
                   "--listen", self.listen, "--report", "on", *more]
        print("  " + " ".join(command[1:]), flush=True)
        self.process = subprocess.Popen(pinned(core, command), stdout=subprocess.PIPE, text=True)
        self.minutes = minutes
        self.rows = []  # of whole minutes
        self.minute_cpu = []  # CPU seconds from report to report, the first one from the start
        self.written = 0  # bytes, in the whole minutes
        self.peak = 0.0  # MiB, ever
        self.ages = []  # of the newest value served, in seconds

    def watch(self):
        """Reads `minutes` whole minutes behind a warm-up; their (CPU s, wall s), peak MiB."""
        warm_up = 2  # the minute of the start, and the one in which it learns every name
        peak = 0.0
        before = 0.0
        for line in self.process.stdout:
            row = re.match(r"(\d\d:\d\d)  ([\d,]+) of ([\d,]+) stored", line)
            if not row:
                continue
            print("  " + line.rstrip(), flush=True)
            peak = max(peak, resident_mib(self.process.pid))
            now = (cpu_seconds(self.process.pid), time.monotonic())
            self.minute_cpu.append(now[0] - before)
            before = now[0]
            if warm_up > 0:
                warm_up -= 1
                began = now
                self.checks_before = self.checks_done()
                written_before = bytes_written(self.process.pid)
                if warm_up == 0:
                    threading.Thread(target=self.look_at_ages, daemon=True).start()
                continue
            age = re.search(r"data ([\d.]+) s old", line)
            stored, due = (int(row.group(n).replace(",", "")) for n in (2, 3))
            self.rows.append((stored, due, float(age.group(1)) if age else 0.0,
                              time.time() % 60))
            if len(self.rows) == self.minutes:
                self.written = bytes_written(self.process.pid) - written_before
                self.peak = peak_mib(self.process.pid)
                return now[0] - began[0], now[1] - began[1], peak
        sys.exit("the program ended early")

    def ask(self, path):
        with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=10) as reply:
            return json.load(reply)

    def look_at_ages(self):
        while self.process.poll() is None and len(self.rows) < self.minutes:
            try:
                self.ages.append(self.ask("/api/v1/summary")["data_age_seconds"])
            except OSError:
                return  # it stops
            time.sleep(0.5)

    def last_seconds(self):
        """In which second of its minute the last value came, of the minutes watched."""
        rows = [row for row in self.ask("/api/v1/minutes")["items"] if row["closed"]]
        at = [datetime.datetime.fromisoformat(row["last_retrieved_at"])
              for row in rows[-self.minutes:]]
        return [one.second + one.microsecond / 1e6 for one in at]

    def checks_done(self):
        with urllib.request.urlopen(f"http://{self.listen}/metrics", timeout=10) as metrics:
            text = metrics.read().decode()
        return {result: int(float(count)) for result, count in
                re.findall(r'^ia_checks_total\{result="(\w+)"\} (\S+)$', text, re.MULTILINE)}

    def stop(self):
        self.process.terminate()
        self.process.stdout.read()
        self.process.wait()
        self.directory.cleanup()


def saturated(options):
    if not shutil.which("wrk") or not shutil.which("taskset"):
        sys.exit("needs wrk and taskset: apt-get install wrk util-linux")
    address = f"127.0.0.1:{free_port()}"
    simulator = start_simulator(options.program, address, options.influencers, core=0)
    try:
        print("wrk before")
        before = wrk(address, options.influencers, core=1)
        print("the program: every shard due at once, no rate limit, 64 connections")
        run = Run(options.program, address, options.influencers, options.minutes, 1,
                  ["--spread", "0s", "--max-rate", "unlimited", "--max-connections", "64",
                   "--pipelining", str(options.pipelining)])
        cpu, _, peak = run.watch()
        stored = sum(row[0] for row in run.rows)
        run.stop()
        print("wrk after")
        after = wrk(address, options.influencers, core=1)
    finally:
        simulator.kill()
    point = cpu / stored * 1e6
    print(f"\nwhole program, pipelining {options.pipelining}: {point:.2f} us CPU a stored point"
          f" ({stored:,} points, {peak:.0f} MiB resident)")
    for kind in before:
        both = (before[kind] + after[kind]) / 2
        print(f"ratio to wrk -c64, {kind}: {point:.2f} / {both:.2f} = {point / both:.2f}")


def paced(options):
    if options.ids == "contiguous":
        paced_of(options, "contiguous", options.influencers)
        return
    with tempfile.TemporaryDirectory(prefix="ia_bench_ids.") as directory:
        file = scattered_ids(size_of(options.influencers), pathlib.Path(directory) / "ids.txt")
        results = {}
        if options.ids == "both":
            results["contiguous"] = paced_of(options, "contiguous", options.influencers)
        results["scattered"] = paced_of(options, "scattered", file)
    if options.ids == "both":
        contiguous, scattered = results["contiguous"], results["scattered"]
        print("\nscattered / contiguous: " + ", ".join(
            f"{what} {scattered[what] / contiguous[what]:.3f}" for what in contiguous))


def wait_for_second(second):
    """So that the first whole minute follows the start."""
    time.sleep((second - time.time()) % 60)


def state_speed(address, influencers):
    if not shutil.which("wrk"):
        print("the machine's speed is not known: wrk is not installed")
        return
    print("the machine's speed")
    wrk(address, influencers, core=None, seconds=5, kinds=("same id",))


def paced_of(options, kind, influencers):
    address = f"127.0.0.1:{free_port()}"
    print(f"\n{kind} ids")
    simulator = start_simulator(options.program, address, influencers, core=None)
    try:
        state_speed(address, influencers)
        checks = ["--check-interval", "0s"] if options.no_checks else []
        wait_for_second(55)
        run = Run(options.program, address, influencers, options.minutes, None,
                  ["--pipelining", str(options.pipelining), *checks])
        simulator_began = cpu_seconds(simulator.pid), time.monotonic()
        cpu, wall, peak = run.watch()
        simulator_cpu = cpu_seconds(simulator.pid) - simulator_began[0]
        simulator_share = 100 * simulator_cpu / (time.monotonic() - simulator_began[1])
        run.stop()
    finally:
        simulator.kill()
    stored, due = sum(r[0] for r in run.rows), sum(r[1] for r in run.rows)
    usual = sorted(run.minute_cpu[2:])[len(run.minute_cpu[2:]) // 2]
    first = max(run.minute_cpu[:2])
    print(f"\npaced, {kind} ids, pipelining {options.pipelining}, {len(run.rows)} minutes:"
          f" coverage {100 * stored / due:.3f} %, {stored / wall:,.0f} points/s")
    print(f"program {100 * cpu / wall:.1f} % of one core, {cpu / stored * 1e6:.2f} us a point,"
          f" {peak:.0f} MiB resident when minutes end, {run.peak:.0f} MiB ever;"
          f" simulator {simulator_share:.1f} %")
    print(f"{run.written / stored:.1f} bytes written to disk per point")
    print(f"first minute {first:.1f} s of CPU, a usual one {usual:.1f} s: {first / usual:.2f} x")
    latest = max(row[3] for row in run.rows)
    print(f"a minute is complete and served {latest:.1f} s after its end at the latest",
          flush=True)
    return {"CPU": cpu / stored, "MiB": peak, "MiB ever": run.peak, "coverage": stored / due,
            "bytes written": run.written / stored, "first minute": first}


def mean(values):
    return sum(values) / len(values)


def checks(options):
    plans = [None, *(float(seconds) for seconds in options.check_seconds.split(",")), None]
    results = [checks_at(options, seconds) for seconds in plans]
    names = ["no checks" if s is None else f"checks of {s:g} s" for s in plans]
    without = [result for seconds, result in zip(plans, results) if seconds is None]
    base = {what: mean([r[what] for r in without]) for what in ("points", "age", "last")}
    print(f"\n{'':16} {'points/s':>9} {'of those without':>17} {'coverage':>10}"
          f" {'age of newest':>14} {'':>8} {'last value at':>14} {'':>8}"
          f" {'CPU':>7} {'checks/s':>9} {'failed':>7}")
    for name, r in zip(names, results):
        part = {what: 100 * r[what] / base[what] for what in base}
        print(f"{name:16} {r['points']:9,.0f} {part['points']:16.2f}% {100 * r['coverage']:9.3f}%"
              f" {r['age']:12.3f} s {part['age']:7.1f}% {r['last']:12.2f} s {part['last']:7.2f}%"
              f" {100 * r['cpu']:6.1f}% {r['checks']:9.1f} {r['failed']:7}")


def checks_at(options, seconds):
    address = f"127.0.0.1:{free_port()}"
    slow = [] if seconds is None else ["--fault-check-latency", f"fixed:{seconds:g}s"]
    simulator = start_simulator(options.program, address, options.influencers, None, *slow)
    try:
        run = Run(options.program, address, options.influencers, options.minutes, None,
                  ["--pipelining", str(options.pipelining),
                   *(["--check-interval", "0s"] if seconds is None else [])])
        cpu, wall, _ = run.watch()
        done = {result: count - run.checks_before.get(result, 0)
                for result, count in run.checks_done().items()}
        last = mean(run.last_seconds())
        run.stop()
    finally:
        simulator.kill()
    stored, due = sum(r[0] for r in run.rows), sum(r[1] for r in run.rows)
    return {"points": stored / wall, "coverage": stored / due, "cpu": cpu / wall,
            "age": mean(run.ages), "last": last,
            "checks": (done.get("suspicious", 0) + done.get("clear", 0)) / wall,
            "failed": done.get("failed", 0)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["saturated", "paced", "checks"])
    parser.add_argument("--minutes", type=int, default=0)
    parser.add_argument("--pipelining", type=int, default=1)
    parser.add_argument("--no-checks", action="store_true")
    parser.add_argument("--ids", choices=["contiguous", "scattered", "both"],
                        default="contiguous")
    parser.add_argument("--check-seconds", default="2,10")
    parser.add_argument("--influencers", default="1000000-1999999")
    parser.add_argument("--program", default=str(ROOT / "build/release/influencer-analytics"))
    options = parser.parse_args()
    options.minutes = options.minutes or (10 if options.mode == "paced" else 3)
    {"saturated": saturated, "paced": paced, "checks": checks}[options.mode](options)


if __name__ == "__main__":
    main()
