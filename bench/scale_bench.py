#!/usr/bin/env python3
"""Do twice the fetchers do twice the work? Fetchers as processes that share the queues at SQS.

  bench/scale_bench.py --fauxqs build/release/tests/sqs/fauxqs/node_modules [--workers 1,2,4]
  bench/scale_bench.py --sqs-endpoint http://127.0.0.1:9324 --workers 1,2,4,8

Each fetcher is held to the same rate and the influencers are as many as they can fetch in a minute,
so a round shows whether they share the work, not how fast the machine is. Every round: a simulator,
a sink with the embedded store, an API, N fetchers, two whole minutes.
"""

import argparse
import atexit
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

from pipeline_bench import ROOT, cpu_seconds, free_port, start_simulator, wait_for

SPREAD = 52  # seconds of a minute in which a fetcher is to be busy
FIRST = 1_000_000


def start_fauxqs(node_modules):
    """An SQS server for tests."""
    port = free_port()
    process = subprocess.Popen(["node", ROOT / "tests/sqs/fauxqs.mjs",
                                os.path.abspath(node_modules), "--port", str(port)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    atexit.register(process.kill)
    return f"http://127.0.0.1:{port}"


def get_json(url):
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


def seconds_of(time_text):
    return time.mktime(time.strptime(time_text[:19], "%Y-%m-%dT%H:%M:%S")) + float(
        time_text[19:-1])


def run_round(options, endpoint, workers):
    count = workers * options.rate * SPREAD
    influencers = f"{FIRST}-{FIRST + count - 1}"
    network = f"127.0.0.1:{free_port()}"
    api = f"127.0.0.1:{free_port()}"
    environment = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
                   "AWS_REGION": "eu-west-1", **os.environ}
    processes = [start_simulator(options.program, network, influencers, core=None)]
    with tempfile.TemporaryDirectory(prefix="ia_scale.") as directory:
        shared = ["--sqs-endpoint", endpoint, "--sqs-prefix", f"round-{workers}-"]
        stage = [*shared, "--queue", "sqs", "--data-dir", directory, "--log-level", "warning"]

        def run(*arguments):
            subprocess.run([options.program, *arguments], check=True, env=environment,
                           stdout=subprocess.DEVNULL)

        def start(*arguments):
            process = subprocess.Popen([options.program, *arguments, *stage], env=environment,
                                       stdout=subprocess.DEVNULL)
            processes.append(process)
            return process

        try:
            run("queues", "create", *shared)
            run("seed", *stage, "--influencers", influencers, "--shard-size", "500")
            sink = start("sink")
            start("api", "--listen", api)
            fetchers = [start("fetch", "--mockstagram-url", f"http://{network}",
                              "--max-rate", str(options.rate)) for _ in range(workers)]
            wait_for(f"http://{api}/healthz")
            begin = (int(time.time()) // 60 + 2) * 60  # the minute after the first whole one
            time.sleep(begin - time.time())
            before = [cpu_seconds(p.pid) for p in (sink, *fetchers)]
            time.sleep(60 * options.minutes)
            used = [cpu_seconds(p.pid) - b for p, b in zip((sink, *fetchers), before)]
            time.sleep(12)  # for the last batches
            rows = get_json(f"http://{api}/api/v1/minutes?start={begin}"
                            f"&end={begin + 60 * options.minutes}")["items"]
        finally:
            for process in processes:
                process.kill()
                process.wait()
    stored, due = sum(r["stored"] for r in rows), sum(r["due"] for r in rows)
    busy = sum(seconds_of(r["last_retrieved_at"]) - seconds_of(r["first_retrieved_at"])
               for r in rows)
    return {"workers": workers, "due": due, "stored": stored, "rate": stored / busy,
            "sink": used[0] / stored * 1e6, "fetch": sum(used[1:]) / stored * 1e6,
            "uneven": max(used[1:]) / min(used[1:])}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--rate", type=int, default=4000, help="requests/s of one fetcher")
    parser.add_argument("--minutes", type=int, default=2)
    parser.add_argument("--sqs-endpoint")
    parser.add_argument("--fauxqs", help="node_modules with fauxqs, to start one")
    parser.add_argument("--program", default=str(ROOT / "build/release/influencer-analytics"))
    options = parser.parse_args()
    if not options.sqs_endpoint and not options.fauxqs:
        sys.exit("give --sqs-endpoint or --fauxqs")
    endpoint = options.sqs_endpoint or start_fauxqs(options.fauxqs)
    print(f"{'fetchers':>8} {'points/s':>9} {'of ideal':>8} {'coverage':>9}"
          f" {'fetch us/pt':>11} {'sink us/pt':>10} {'most/least CPU':>14}")
    for workers in (int(n) for n in options.workers.split(",")):
        r = run_round(options, endpoint, workers)
        ideal = workers * options.rate
        print(f"{workers:8} {r['rate']:9,.0f} {100 * r['rate'] / ideal:7.1f}%"
              f" {100 * r['stored'] / r['due']:8.3f}% {r['fetch']:11.2f} {r['sink']:10.2f}"
              f" {r['uneven']:14.2f}  " + "#" * round(r["rate"] / options.rate * 8), flush=True)


if __name__ == "__main__":
    main()
