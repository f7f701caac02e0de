"""Runs the tests of a test program side by side: they wait most of the time.

usage: side_by_side.py SCRIPT PROGRAM TEST...

Each TEST is run as `SCRIPT PROGRAM TEST`. What a failed one printed is shown at the end.
"""

import subprocess
import sys
import tempfile
import time


def main(script, program, tests):
    begun, running, failed = time.monotonic(), {}, []
    for test in tests:
        output = tempfile.TemporaryFile("w+")
        command = [sys.executable, script, program, test]
        running[test] = subprocess.Popen(command, stdout=output, stderr=output), output
    for test, (process, output) in running.items():
        is_good = process.wait() == 0
        word = "passed" if is_good else "FAILED"
        print(f"{word}  {test}, {time.monotonic() - begun:.0f} s in all", flush=True)
        if not is_good:
            failed.append((test, output))
    for test, output in failed:
        output.seek(0)
        print(f"\n==== {test}\n{output.read()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
