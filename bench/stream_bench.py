#!/usr/bin/env python3
"""Ten thousand open streams of live events, and what they do to the pipeline.

  bench/stream_bench.py [--streams 10000] [--chosen 10] [--seconds 14]

The whole program against the simulator, 16,667 influencers a second in one minute. Three windows
of so many seconds in one run: without streams, with them, without them again; each stream has the
summary and its own random influencers. Influencers fetched, age of the newest value, CPU by thread,
memory, and the latency of another client's requests in each window; from a snapshot's making to its
event's coming for each event. The clients are one more process on the same machine, so they take
CPU from the program.
"""

import argparse
import http.client
import json
import multiprocessing
import pathlib
import random
import re
import resource
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from pipeline_bench import (ROOT, TICKS, cpu_seconds, free_port, resident_mib, start_simulator,
                            wait_for)

FIRST, LAST = 1_000_000, 1_989_999
RATE = 16_667
AT_ONCE = 100  # connections that are being opened
FETCHED = "ia_fetch_requests_total"
ID = re.compile(rb"\nid: \d+-(\d+)\n")


class Clients:
    """Opens streams and reads them, in a process of its own."""

    def __init__(self, port, options):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=Clients.run, args=(theirs, port, options))
        self.process.start()
        self.pipe.recv()

    def measured(self, seconds):
        """What came in so many seconds."""
        self.pipe.send(seconds)
        time.sleep(seconds)
        return self.pipe.recv()

    def close(self):
        self.pipe.send(None)
        self.process.join()

    @staticmethod
    def run(pipe, port, options):
        poll, sockets, rest = select.epoll(), {}, {}
        chance = random.Random(1)
        while len(sockets) < options.streams:
            fresh = [Clients.open(port, options, chance)
                     for _ in range(min(AT_ONCE, options.streams - len(sockets)))]
            for sock in fresh:
                head = sock.recv(4096)
                if not head.startswith(b"HTTP/1.1 200"):
                    sys.exit(f"refused: {head.decode()}")
                sockets[sock.fileno()], rest[sock.fileno()] = sock, b""
                poll.register(sock, select.EPOLLIN)
        Clients.read(poll, sockets, rest, lambda: False, time.monotonic() + 3)
        pipe.send(None)
        while (seconds := pipe.recv()) is not None:
            pipe.send(Clients.read(poll, sockets, rest, lambda: False, time.monotonic() + seconds))
            Clients.read(poll, sockets, rest, pipe.poll, time.monotonic() + 3600)

    @staticmethod
    def open(port, options, chance):
        chosen = ",".join(str(chance.randint(FIRST, LAST)) for _ in range(options.chosen))
        query = f"?influencers={chosen}" if chosen else ""
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(f"GET /api/v1/stream{query} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        return sock

    @staticmethod
    def read(poll, sockets, rest, is_done, until):
        delays, by_snapshot, events, size, lost = [], {}, 0, 0, 0
        cpu = time.process_time()
        while time.monotonic() < until and not is_done():
            for fd, _ in poll.poll(0.1):
                data = sockets[fd].recv(1 << 18)
                now = time.time() * 1000
                if not data:
                    lost += 1
                    poll.unregister(fd)
                    continue
                size += len(data)
                text = rest[fd] + data
                end = text.rfind(b"\n\n") + 2
                rest[fd] = text[end:] if end > 1 else text
                events += text.count(b"event: influencer\n", 0, end)
                for snapshot in ID.findall(text, 0, end):
                    delays.append(now - int(snapshot))
                    by_snapshot.setdefault(snapshot, []).append(now)
        spans = [max(times) - min(times) for times in by_snapshot.values()]
        return {"summaries": delays, "influencers": events, "bytes": size, "lost": lost,
                "spans": spans, "cpu": time.process_time() - cpu}


class Prober(threading.Thread):
    """One polite client that asks for the latest value of random influencers."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.took, self.ages, self.is_done = [], [], False
        self.start()

    def run(self):
        while not self.is_done:
            began = time.monotonic()
            self.connection.request("GET", f"/api/v1/influencers/{random.randint(FIRST, LAST)}")
            self.connection.getresponse().read()
            self.took.append((time.monotonic() - began) * 1000)
            time.sleep(0.01)
            if len(self.took) % 25 == 0:
                self.connection.request("GET", "/api/v1/summary")
                self.ages.append(json.load(self.connection.getresponse())["data_age_seconds"])


def thread_cpu(pid):
    used = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        used[name] = used.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICKS
    return used


def metric(port, name):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    return float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))


def share(values, fraction):
    return sorted(values)[min(len(values) - 1, int(fraction * len(values)))] if values else 0.0


def window(pid, port, prober, seconds, wait):
    """wait() lasts `seconds`; what happened meanwhile."""
    prober.took.clear()
    prober.ages.clear()
    began = time.monotonic()
    fetched, cpu, threads = metric(port, FETCHED), cpu_seconds(pid), thread_cpu(pid)
    came = wait(seconds)
    took = time.monotonic() - began
    after = thread_cpu(pid)
    return {"rate": (metric(port, FETCHED) - fetched) / took,
            "age": share(prober.ages, 0.99),
            "cpu": 100 * (cpu_seconds(pid) - cpu) / took,
            "threads": {n: 100 * (after[n] - threads.get(n, 0)) / took for n in after},
            "p50": share(prober.took, 0.5), "p99": share(prober.took, 0.99),
            "memory": resident_mib(pid), "came": came, "took": took}


def show(name, r):
    threads = "  ".join(f"{n} {r['threads'].get(n, 0):.1f}" for n in ("api", "live"))
    print(f"{name:8} {r['rate']:7,.0f} fetched/s  data {r['age']:.1f} s old  CPU {r['cpu']:4.1f} %"
          f" of a core ({threads})  {r['memory']:4.0f} MiB  others p50 {r['p50']:.1f} ms"
          f" p99 {r['p99']:.1f}", flush=True)


def report(options, before, during, after, resident):
    came, calm = during["came"], (before["rate"] + after["rate"]) / 2
    calm_cpu = (before["cpu"] + after["cpu"]) / 2
    delays = came["summaries"]
    events = len(delays) + came["influencers"]
    print(f"\n{options.streams:,} streams, {options.chosen} influencers each: "
          f"{events / during['took']:,.0f} events/s ({came['bytes'] / during['took'] / 1e6:.1f} "
          f"MB/s), {came['lost']} lost; the clients took {100 * came['cpu'] / during['took']:.0f} %"
          " of a core")
    print(f"influencers fetched, with to without: {during['rate'] / calm:.3f}")
    print(f"CPU, with to without: {during['cpu'] / calm_cpu:.2f}, "
          f"{(during['cpu'] - calm_cpu) * 1e4 / (events / during['took']):.1f} us an event; memory "
          f"{resident * 1024 / options.streams:.1f} KiB a stream")
    print(f"from a snapshot to its event: p50 {share(delays, 0.5):.0f} ms,"
          f" p99 {share(delays, 0.99):.0f}, most {max(delays):.0f};"
          f" first to last client {share(came['spans'], 0.5):.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--chosen", type=int, default=10, help="influencers of each stream")
    parser.add_argument("--seconds", type=int, default=14, help="of each window")
    parser.add_argument("--program", default=str(ROOT / "build/release/influencer-analytics"))
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < options.streams + 1000:
        sys.exit(f"{most} open files are allowed: too few for {options.streams} streams")
    network, port = f"127.0.0.1:{free_port()}", free_port()
    simulator = start_simulator(options.program, network, f"{FIRST}-{LAST}", core=None)
    with tempfile.TemporaryDirectory(prefix="ia_bench.") as directory:
        program = subprocess.Popen(
            [options.program, "run", "--mockstagram-url", f"http://{network}", "--influencers",
             f"{FIRST}-{LAST}", "--data-dir", directory, "--listen", f"127.0.0.1:{port}",
             "--spread", "0s", "--max-rate", str(RATE), "--log-level", "warning",
             "--api-max-streams", str(options.streams)], stdout=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz")
            while metric(port, "ia_points_stored_total") == 0:
                time.sleep(0.5)
            prober = Prober(port)
            time.sleep(4)  # into a minute that holds all windows: there is a pause at its end
            before = window(program.pid, port, prober, options.seconds, time.sleep)
            show("without", before)
            resident = resident_mib(program.pid)
            clients = Clients(port, options)
            resident = resident_mib(program.pid) - resident
            during = window(program.pid, port, prober, options.seconds, clients.measured)
            show("with", during)
            clients.close()
            time.sleep(2)
            after = window(program.pid, port, prober, options.seconds, time.sleep)
            show("without", after)
            prober.is_done = True
            prober.join()
        finally:
            program.kill()
            simulator.kill()
            program.wait()
    report(options, before, during, after, resident)


if __name__ == "__main__":
    main()
