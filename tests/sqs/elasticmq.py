"""ElasticMQ for the C++ tests, in a time that stands still: elasticmq.py JARS CLOCK_SHIM

Says where it listens and takes orders as fauxqs.mjs does, with times in whole seconds.
"""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import servers  # noqa: E402


def main(jars, shim):
    with tempfile.NamedTemporaryFile(prefix="ia_clock.") as file:
        clock = servers.ShimClock(file.name, shim, int(time.time()), stands_still=True)
        with servers.ElasticMq(jars, clock.env) as server:
            print(f"listening {server.port} {clock.seconds * 1000}", flush=True)
            for line in sys.stdin:
                word, milliseconds = line.split()
                if word != "advance" or int(milliseconds) % 1000:
                    raise ValueError(f"unknown: {line}")
                clock.set(clock.seconds + int(milliseconds) // 1000)
                print("ok", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
