#!/usr/bin/env python3
"""Installs the SQS server of the tests, as the lock file says, into a build directory.

usage: install_fauxqs.py SOURCE BUILD

Does nothing when it is there. Without Node.js 20, npm or a package registry it says so and exits
77: the tests that need the server are skipped then. With IA_REQUIRE_FAUXQS set it fails instead.
"""

import os
import pathlib
import shutil
import subprocess
import sys

SKIP = 77
NODE_MIN = 20


def skip(build, reason):
    print(f"THE TESTS AGAINST AN SQS SERVER ARE SKIPPED: {reason}")
    (build / "missing.txt").write_text(reason + "\n", encoding="utf-8")
    return 1 if os.environ.get("IA_REQUIRE_FAUXQS") else SKIP


def node_version():
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return int(said.stdout.strip().lstrip("v").split(".")[0] or 0)


def main():
    source, build = map(pathlib.Path, sys.argv[1:3])
    build.mkdir(parents=True, exist_ok=True)
    (build / "missing.txt").unlink(missing_ok=True)
    lock = (source / "package-lock.json").read_bytes()
    stamp = build / "installed.lock"
    if stamp.is_file() and stamp.read_bytes() == lock:
        return 0
    version = node_version()
    if version is None:
        return skip(build, f"there is no node, or no npm: install Node.js {NODE_MIN} or newer")
    if version < NODE_MIN:
        return skip(build, f"Node.js {version} is too old for fauxqs: install {NODE_MIN} or newer")
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(source / name, build / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=build, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout + done.stderr)
        return skip(build, "npm ci failed (see the test sqs.install_fauxqs): is there a network?")
    stamp.write_bytes(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
