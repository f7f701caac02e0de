#!/usr/bin/env python3
"""Lints docs/openapi.json, generates clients from it, and calls every operation with each.

usage: clients_test.py PROGRAM OPENAPI_JSON BUILD NODE_MODULES

Spectral, Redocly and a TypeScript client come from npm, a Python client from PyPI, as
package-lock.json and requirements.txt say; BUILD keeps them. NODE_MODULES has the tests' Node.js.
What this machine cannot have is skipped, and named; without any of it the exit code is 77.

Clients for Java and Go are not generated here. What their generators need beyond the linters is
checked on the description itself: of several kinds of objects in one place, a member says which it
is (a discriminator), since readers that ignore unknown members take each for all of them.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parent.parent), str(HERE.parent.parent / "node")]
from install import npm_ci  # noqa: E402
from openapi_fuzz import Demo, install  # noqa: E402
from servers import Missing  # noqa: E402

SKIP = 77


def run(command, shows=False, **options):
    """Returns whether it succeeded; prints what it said if not, or with `shows`."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **options)
    if shows or done.returncode != 0:
        print(done.stdout[-4000:])
    return done.returncode == 0


class Npm:
    def __init__(self, build, node):
        self.folder, self.node = build / "npm", node
        if shutil.which("npm") is None or not node.exists():
            raise Missing("there is no npm or Node.js: apt-get install npm")
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", "tsconfig.json", "calls.ts",
                     "spectral.yaml"):
            shutil.copyfile(HERE / name, self.folder / name)
        stamp, wanted = self.folder / "installed.lock", HERE / "package-lock.json"
        if stamp.is_file() and stamp.read_bytes() == wanted.read_bytes():
            return
        if not npm_ci(self.folder):
            raise Missing("the linters and the TypeScript client cannot be installed: is there a "
                          "package registry?")
        shutil.copyfile(wanted, stamp)

    def bin(self, name, *arguments):
        modules = self.folder / "node_modules"
        package = json.loads((modules / name / "package.json").read_text("utf-8"))["bin"]
        script = package if isinstance(package, str) else next(iter(package.values()))
        environment = {**os.environ, "REDOCLY_TELEMETRY": "off",
                       "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
        return run([self.node, modules / name / script, *arguments], cwd=self.folder,
                   env=environment)

    def lint(self, openapi):
        spectral = self.bin("@stoplight/spectral-cli", "lint", "--ruleset", "spectral.yaml",
                            "--fail-severity", "hint", openapi)
        redocly = self.bin("@redocly/cli", "lint", "--extends", "recommended", "--format",
                           "stylish", openapi)
        return {"spectral": spectral, "redocly": redocly}

    def call(self, openapi, url):
        return (self.bin("openapi-typescript", openapi, "-o", "api.d.ts")
                and run([self.node, self.folder / "node_modules/typescript/bin/tsc"],
                        cwd=self.folder)
                and run([self.node, "out/calls.js", url, url + "/openapi.json"], shows=True,
                        cwd=self.folder, timeout=120))


class Python:
    def __init__(self, build):
        self.folder = build / "python"
        self.folder.mkdir(parents=True, exist_ok=True)
        install(self.folder / "venv", HERE / "requirements.txt")
        self.bin = self.folder / "venv/bin"

    def call(self, openapi, url):
        shutil.rmtree(self.folder / "client", ignore_errors=True)
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"}
        return (run([self.bin / "openapi-python-client", "generate", "--path", openapi, "--meta",
                     "none", "--output-path", self.folder / "client"], env=environment)
                and run([self.bin / "python", HERE / "calls.py", self.folder, url], shows=True,
                        cwd=self.folder, timeout=120))


def undiscriminated(part, document, where=""):
    """Where one of several kinds of objects may stand, and nothing says which."""
    if isinstance(part, list):
        return [found for i, one in enumerate(part)
                for found in undiscriminated(one, document, f"{where}/{i}")]
    if not isinstance(part, dict):
        return []

    def is_object(one):
        if "$ref" in one:
            one = document["components"]["schemas"][one["$ref"].rsplit("/", 1)[1]]
        return "properties" in one or any(map(is_object, one.get("oneOf", [])))

    kinds = sum(map(is_object, part.get("oneOf", []) + part.get("anyOf", [])))
    here = [where] if kinds > 1 and "discriminator" not in part else []
    return here + [found for name, one in part.items()
                   for found in undiscriminated(one, document, f"{where}/{name}")]


def tools(build, node):
    """Those that can be had, and why the others cannot."""
    found, missing = [], []
    for make in (lambda: Npm(build, node), lambda: Python(build)):
        try:
            found.append(make())
        except Missing as error:
            missing.append(str(error))
    return found, missing


def main(program, openapi, build, modules):
    openapi, build = pathlib.Path(openapi).resolve(), pathlib.Path(build).resolve()
    found, missing = tools(build, pathlib.Path(modules).resolve() / ".bin/node")
    for reason in missing:
        print(f"SKIPPED: {reason}")
    document = json.loads(openapi.read_text("utf-8"))
    unclear = undiscriminated(document, document)
    results = {"kinds of objects": not unclear}
    for where in unclear:
        print(f"{where}: one of several kinds of objects, and no discriminator")
    for tool in found:
        if isinstance(tool, Npm):
            results |= tool.lint(openapi)
    with tempfile.TemporaryDirectory() as directory, Demo(program, directory) as demo:
        for tool in found:
            results[type(tool).__name__] = tool.call(openapi, f"http://127.0.0.1:{demo.port}")
    print(results)
    if not all(results.values()):
        return 1
    return SKIP if missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
