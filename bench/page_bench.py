#!/usr/bin/env python3
"""Panning a chart of three influencers with 43,200 minutes each, in a real browser.

  bench/page_bench.py [--program build/release/influencer-analytics]

Starts the demo for the page, gives the page made-up series (a month of minutes, every one of them
drawn: detail=minutes), drags them to and fro by 600 frames, and prints the times between frames.
A browser that waits for no screen draws at 60 a second at most. Needs npm and Chromium.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/influencer-analytics"))
    program = parser.parse_args().program
    if not shutil.which("chromium"):
        sys.exit("needs chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="ia_bench.") as directory:
        shutil.copy(ROOT / "bench/page_bench.mjs", directory)
        installed = subprocess.run([sys.executable, ROOT / "tests/node/install.py", directory],
                                   check=False)
        if installed.returncode != 0:
            return installed.returncode
        command = [program, "demo", "--influencers", "1000000-1000009", "--data-dir",
                   f"{directory}/data", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
            try:
                pages = (re.match(r"page\s+(http://\S+/)", line) for line in demo.stdout)
                page = next(found[1] for found in pages if found)
                bench = ["node_modules/.bin/node", "page_bench.mjs", page, shutil.which("chromium")]
                return subprocess.run(bench, cwd=directory, check=False).returncode
            finally:
                demo.terminate()


if __name__ == "__main__":
    sys.exit(main())
