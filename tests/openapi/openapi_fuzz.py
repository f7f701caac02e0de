#!/usr/bin/env python3
"""Drives a real demo by docs/openapi.json: with calls.py, then with schemathesis.

usage: openapi_fuzz.py PROGRAM OPENAPI_JSON VENV

VENV gets what requirements.txt pins, once. Without python3-venv or a package index it says so and
exits 77. OPENAPI_FUZZ_SECONDS is how long schemathesis may take, 60 unless told otherwise.
OPENAPI_FUZZ_SEED is the seed of what it makes.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from servers import Missing  # noqa: E402

SKIP = 77


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIP)


def install(venv, requirements):
    """Makes `venv` and installs the file of requirements there, once. Raises Missing."""
    wanted = requirements.read_bytes()
    stamp = venv / "installed.txt"
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", venv], capture_output=True,
                          text=True, check=False)
    if made.returncode != 0:
        raise Missing("python3-venv is not installed: "
                      f"{made.stdout.strip() or made.stderr.strip()}")
    done = subprocess.run(
        [venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary",
         ":all:", "-r", requirements], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{requirements} cannot be installed, is there a package index? "
                      f"{done.stderr.strip()}")
    stamp.write_bytes(wanted)


class Demo:
    """The program with a network of its own, on a free port, until the block ends."""

    def __init__(self, program, directory):
        self.process = subprocess.Popen(
            [program, "demo", "--influencers", "1000-1099", "--listen", "127.0.0.1:0",
             "--mockstagram-listen", "127.0.0.1:0", "--alert-allow-private", "on", "--data-dir",
             directory],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = []
        self.port = None
        ready = threading.Event()
        threading.Thread(target=self.listen, args=[ready], daemon=True).start()
        if not ready.wait(60) or self.port is None:
            raise AssertionError("the demo does not start: " + "".join(self.said))

    def listen(self, ready):
        for line in self.process.stdout:
            self.said.append(line)
            found = re.search(r"http://127\.0\.0\.1:(\d+)/openapi\.json", line)
            if found:
                self.port = int(found.group(1))
                ready.set()
        ready.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def without_tuples(schema):
    """schemathesis takes a prefixItems that it has rewritten itself for a mistake of ours."""
    if isinstance(schema, dict):
        return {key: without_tuples(value) for key, value in schema.items() if key != "prefixItems"}
    return [without_tuples(one) for one in schema] if isinstance(schema, list) else schema


# What holds whatever is sent. That valid values are accepted and others refused is for the phases
# that choose values by rule, and for calls.py: at random it makes empty values and ids in words of
# its own (6.55e+16), which are neither.
ALWAYS = "not_a_server_error,status_code_conformance,content_type_conformance," \
    "response_schema_conformance"


def run_schemathesis(port, document, seconds):
    """Returns whether it found something."""
    phases = [["--phases", "examples,coverage,stateful"],
              ["--phases", "fuzzing", "--checks", ALWAYS]]
    return any([run_phases(port, document, seconds // len(phases), options) for options in phases])


def run_phases(port, document, seconds, options):
    command = [pathlib.Path(sys.executable).parent / "st", "--config-file",
               HERE / "schemathesis.toml", "run", "openapi.json", *options,
               "--url", f"http://127.0.0.1:{port}", "--max-time", str(seconds),
               "--seed", os.environ.get("OPENAPI_FUZZ_SEED", "1"),
               "--request-timeout", "20", "--no-color", "--warnings", "off",
               "--continue-on-failure"]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryDirectory() as scratch:
        (pathlib.Path(scratch) / "openapi.json").write_text(json.dumps(without_tuples(document)),
                                                            encoding="utf-8")
        done = subprocess.run(command, cwd=scratch, env=environment, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=seconds + 300)
    print(done.stdout)
    # It may stumble over a reply itself: then it has nothing to say about the program.
    stumbled = "Please consider reporting the traceback" in done.stdout
    return done.returncode != 0 and ("= FAILURES =" in done.stdout or not stumbled)


def fuzz(program, openapi):
    import calls  # pylint: disable=import-outside-toplevel
    seconds = int(os.environ.get("OPENAPI_FUZZ_SECONDS", "60"))
    document = json.loads(pathlib.Path(openapi).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as directory, Demo(program, directory) as demo:
        findings = calls.check_all("127.0.0.1", demo.port, document)
        for finding in findings[:60]:
            print(finding)
        failed = run_schemathesis(demo.port, document, seconds)
        ended = demo.process.poll()
        if ended is not None:
            print(f"the program ended with {ended}:", "".join(demo.said[-30:]))
        return bool(findings) or failed or ended is not None


def main():
    program, openapi, venv = sys.argv[1:4]
    venv = pathlib.Path(venv).resolve()
    if pathlib.Path(sys.prefix).resolve() != venv:
        try:
            install(venv, HERE / "requirements.txt")
        except Missing as missing:
            skip(missing)
        os.execv(venv / "bin/python", [venv / "bin/python", *sys.argv])
    sys.exit(fuzz(program, openapi))


if __name__ == "__main__":
    main()
