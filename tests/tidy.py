#!/usr/bin/env python3
"""Checks what no compiler checks: the direction of includes, and the house rules of the sources.

usage: tidy.py [REPOSITORY]

Prints one line a finding, "file:line: what is wrong, what to do", and exits 1 when there is one.
"""

import pathlib
import re
import sys

# What the sources of a room may include, besides their own. A room is a folder; the line with the
# longest name that fits holds. The rooms are the architecture: see docs/architecture.md.
DOMAIN = {"ports", "core", "base"}
MAY_USE = {
    "base": set(),
    "core": {"base"},
    "ports": {"core", "base"},
    "net": DOMAIN,
    "pipeline": DOMAIN,
    "http": {"base"},
    "promql": {"base"},
    "storage": DOMAIN,
    "adapters": {"net"} | DOMAIN,
    "api": {"http", "promql"} | DOMAIN,
    "api/routes": {"api", "http", "promql"} | DOMAIN,
    "simulator": {"core", "base"},
    "testing": DOMAIN,
    "app": {"api", "http", "pipeline", "simulator", "net"} | DOMAIN,
    "app/wiring": {"app", "adapters", "storage", "simulator", "net"} | DOMAIN,
}
# Rooms that are made of rooms: each folder in them is one, which includes no other.
APART = {"adapters"}
# Rooms that the rest of their own folder does not include: they stand above it.
ABOVE = {"api/routes"}
# Unit tests may also use the fakes and the simulated network.
TESTS_MAY_USE = {"testing", "simulator"}

# Headers of the system that our headers may include; all else with a "." or "/" in its name is
# somebody's library, and belongs into a .cpp file.
SYSTEM_HEADERS = re.compile(
    r"(stdlib|unistd|fcntl|poll|signal|time|arpa/inet|netinet/\w+|sys/\w+)\.h")
# What the headers of tests may include besides.
TEST_HEADERS = re.compile(r"(gtest|gmock)/\w+\.h")

LINE_MAX = 100
LINES_MAX = 600
FOLDERS = ("src", "tests", "bench", "cmake", "web", "deploy")
# Not .html: a path of an SVG has no place for a line break.
SUFFIXES = {".h", ".cpp", ".py", ".cmake", ".js", ".mjs", ".css", ".sql", ".sh"}
NOT_OURS = {"node_modules", "build", "dist", "vendor"}
PROMISES = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME|X" + r"XX)\b")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def test_sources(root, sources):
    """Tests, fuzzers, and the headers that nothing else includes."""
    users = {}
    for path, lines in sources.items():
        for include in filter(None, map(INCLUDE.match, lines)):
            for header in (root / "src" / include[2], path.parent / include[2]):
                users.setdefault(header, set()).add(path)
    tests = {
        path
        for path in sources
        if path.stem.endswith(("_test", "_fuzz")) or path.relative_to(root).parts[0] == "tests"
    }
    while True:
        more = {
            path
            for path in set(sources) - tests
            if path.suffix == ".h" and path in users and users[path] <= tests
        }
        if not more:
            return tests
        tests |= more


def room_of(folder):
    """The line of MAY_USE that holds for a folder; None if there is none."""
    while folder not in MAY_USE:
        if not folder:
            return None
        folder = folder.rpartition("/")[0]
    return folder


def apart(folder):
    """The room of its own that a folder of APART is in: "adapters/sqs"; "" elsewhere."""
    top, _, rest = folder.partition("/")
    return f"{top}/{rest.split('/')[0]}" if top in APART and rest else ""


def ours(root):
    files = [root / "CMakeLists.txt", *root.glob("*.sh")]
    for folder in FOLDERS:
        files += (root / folder).rglob("*")
    for path in sorted(files):
        is_source = path.suffix in SUFFIXES or path.name == "CMakeLists.txt"
        if is_source and path.is_file() and not NOT_OURS & set(path.relative_to(root).parts):
            yield path


class Tidy:
    def __init__(self, root):
        self.root = root
        self.findings = []
        self.tests = set()

    def find(self, path, line, what):
        self.findings.append(f"{path.relative_to(self.root)}:{line}: {what}")

    def run(self):
        sources = {}
        for path in ours(self.root):
            try:
                sources[path] = path.read_text(encoding="utf-8").splitlines()
            except UnicodeDecodeError:
                self.find(path, 1, "not UTF-8")
        cpp = {path: lines for path, lines in sources.items() if path.suffix in {".h", ".cpp"}}
        if not cpp:
            self.findings.append(f"{self.root}: no sources found: is this the repository?")
        self.tests = test_sources(self.root, cpp)
        for path, lines in sources.items():
            self.check_text(path, lines)
        for path, lines in cpp.items():
            self.check_cpp(path, lines)
        return self.findings

    def check_text(self, path, lines):
        if len(lines) > LINES_MAX:
            self.find(path, len(lines), f"more than {LINES_MAX} lines: split it by noun")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_MAX:
                self.find(path, number, f"{len(line)} columns, {LINE_MAX} are the limit")
            if PROMISES.search(line):
                self.find(path, number, "a promise: do it now, or file an issue")
            if line != line.rstrip() or "\t" in line:
                self.find(path, number, "a tab, or white space at the end")

    def check_cpp(self, path, lines):
        if path.suffix == ".h" and "#pragma once" not in lines:
            self.find(path, 1, "a header without #pragma once")
        if path.suffix == ".cpp" and "using namespace std;" in lines:
            self.find(path, 1, "using namespace std")
        folder = path.relative_to(self.root).parent.as_posix().removeprefix("src/")
        if folder in APART:
            self.find(path, 1, f"put it into a folder of src/{folder}: one outside system each")
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line)
            if include:
                self.check_include(path, number, include[1] == "<", include[2])

    def check_include(self, path, number, is_angled, target):
        parts = path.relative_to(self.root).parts
        if is_angled:
            is_library = "." in target or "/" in target
            if SYSTEM_HEADERS.fullmatch(target):
                is_library = False
            if path in self.tests and TEST_HEADERS.fullmatch(target):
                is_library = False
            if path.suffix == ".h" and is_library:
                self.find(path, number, f"<{target}> in a header: keep libraries in .cpp files")
            return
        if parts[0] != "src":
            return
        self.check_room(path, number, "/".join(parts[1:-1]), target)

    def check_room(self, path, number, folder, target):
        room = room_of(folder)
        if room is None:
            self.find(path, number, f"folder src/{folder} has no line in tests/tidy.py")
            return
        used = target.rpartition("/")[0]
        if room_of(used) is None:
            self.find(path, number, f'"{target}": write the path from src, as "folder/file.h"')
            return
        allowed = MAY_USE[room] | (TESTS_MAY_USE if path in self.tests else set())
        is_above = room_of(used) in ABOVE and room != room_of(used) and path not in self.tests
        if is_above or used.split("/")[0] not in allowed | {folder.split("/")[0]}:
            self.find(path, number, f"{room} may not use {room_of(used)}")
        if apart(used) and apart(folder) and apart(used) != apart(folder):
            self.find(path, number, f"{apart(folder)} may not use {apart(used)}")


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
    findings = Tidy(root).run()
    print("\n".join(findings) if findings else "tidy")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
