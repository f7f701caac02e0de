#!/usr/bin/env python3
"""Puts the jars of ElasticMQ, an SQS server, into BUILD/jars, as pom.xml says, by Maven.

usage: install_elasticmq.py SOURCE BUILD

Does nothing when they are there. Without Java, Maven or a package registry it says so and exits 77:
the tests that need the server are skipped then. With IA_REQUIRE_ELASTICMQ set it fails instead.
"""

import os
import pathlib
import shutil
import subprocess
import sys

SKIP = 77
TRIES = 3


def skip(reason):
    print(f"SKIPPED: {reason}")
    return 1 if os.environ.get("IA_REQUIRE_ELASTICMQ") else SKIP


def download(source, jars):
    """None, or what Maven said."""
    command = ["mvn", "-q", "-B", "-f", str(source / "pom.xml"), "dependency:copy-dependencies",
               f"-DoutputDirectory={jars}"]
    for _ in range(TRIES):  # what was downloaded stays
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return None
    return done.stdout + done.stderr


def main():
    source, build = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    wanted = (source / "pom.xml").read_bytes()
    stamp = build / "installed.xml"
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return 0
    for program, package in (("java", "default-jre-headless"), ("mvn", "maven")):
        if not shutil.which(program):
            return skip(f"ElasticMQ needs {program}: apt-get install {package}")
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    said = download(source, build / "jars")
    if said is not None:
        print(said)
        return skip("Maven could not download ElasticMQ: is there a network?")
    stamp.write_bytes(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
