#!/usr/bin/env python3
"""Do twice the fetchers do twice the work? Runs `influencer-analytics prove-scale` against an SQS
server (fauxqs) and PostgreSQL that are started for it. Options are passed on:

  bench/scale_bench.py [--program PROGRAM] [--fauxqs NODE_MODULES] [--workers 1,2,4 ...]
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from servers import Fauxqs, Missing, Postgres  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    build = ROOT / "build/release"
    parser.add_argument("--program", default=str(build / "influencer-analytics"))
    parser.add_argument("--fauxqs", default=str(build / "tests/node_modules"))
    options, passed_on = parser.parse_known_args()
    environment = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
                   "AWS_REGION": "eu-west-1", **os.environ}
    try:
        with Fauxqs(options.fauxqs) as queues, Postgres() as database:
            proof = subprocess.Popen(
                [options.program, "prove-scale", "--queue", "sqs", "--sqs-endpoint", queues.url,
                 "--store", "postgres", "--postgres-url", database.url, *passed_on],
                env=environment)
            # It tidies up on the servers, so they stay until it has ended.
            for stop in (signal.SIGINT, signal.SIGTERM):
                signal.signal(stop, lambda number, _: proof.send_signal(number))
            return proof.wait()
    except Missing as missing:
        return f"scale_bench: {missing}"


if __name__ == "__main__":
    sys.exit(main())
