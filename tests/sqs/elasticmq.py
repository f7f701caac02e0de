"""ElasticMQ for the C++ tests, in a time that stands still: elasticmq.py JARS CLOCK_SHIM

Says where it listens and takes orders as fauxqs.mjs does, with times in whole seconds.
"""

import pathlib
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import servers  # noqa: E402


class Clock:
    """The wall clock of a process that runs with the shim and `env`."""

    def __init__(self, file, shim):
        self.file = file
        self.env = {"LD_PRELOAD": shim, "CLOCK_SHIM": file.name, "CLOCK_SHIM_STILL": "1"}
        self.set(int(time.time()))

    def set(self, seconds):
        self.seconds = seconds
        self.file.seek(0)
        self.file.write(struct.pack("=q", seconds))
        self.file.flush()


def main(jars, shim):
    with tempfile.NamedTemporaryFile(prefix="ia_clock.") as file:
        clock = Clock(file, shim)
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
