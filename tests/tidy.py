#!/usr/bin/env python3
"""Checks what no compiler checks: the direction of includes, and the house rules of the sources.

usage: tidy.py [REPOSITORY]

Prints one line a finding, "file:line: what is wrong, what to do", and exits 1 when there is one.
"""

import pathlib
import re
import sys

# What the sources of a folder may include, besides their own folder. The folders are the
# architecture: see docs/architecture.md.
MAY_USE = {
    "base": set(),
    "core": {"base"},
    "ports": {"core", "base"},
    "net": {"ports", "core", "base"},
    "pipeline": {"ports", "core", "base"},
    "adapters": {"net", "ports", "core", "base"},
    "api": {"ports", "core", "base"},
    "simulator": {"core", "base"},
    "testing": {"ports", "core", "base"},
    "app": {"api", "adapters", "simulator", "pipeline", "net", "ports", "core", "base"},
}
# Unit tests may also use the fakes and the simulated network.
TESTS_MAY_USE = {"testing", "simulator"}

# An adapter is the files whose names begin so. Adapters never include each other.
ADAPTERS = {
    "mockstagram": ("mockstagram_",),
    "postgres_store": ("postgres",),
    "sqlite_alert_store": ("sqlite_alert_store",),
    "sqlite_queue": ("sqlite_queue",),
    "sqlite_store": ("sqlite_store", "sqlite_segment", "chunk_codec", "chunk_coverage", "packed_"),
    "sqlite_verdict_store": ("sqlite_verdict_store",),
    "sqs": ("sqs_",),
    "webhook": ("webhook_",),
}
SHARED_BY_ADAPTERS = ("curl.", "sqlite.", "sqlite_pages", "sqlite_test.", "json_object.")

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


def adapter_of(name):
    """The adapter that a file of src/adapters belongs to; "" for the shared ones."""
    if name.startswith(SHARED_BY_ADAPTERS):
        return ""
    owners = [adapter for adapter, stems in ADAPTERS.items() if name.startswith(stems)]
    return owners[0] if len(owners) == 1 else None


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
        parts = path.relative_to(self.root).parts
        if parts[:2] == ("src", "adapters") and adapter_of(path.name) is None:
            self.find(path, 1, "name the adapter that this file belongs to in tests/tidy.py")
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
        folder = parts[1]
        if folder not in MAY_USE:
            self.find(path, number, f"folder src/{folder} has no line in tests/tidy.py")
            return
        used = target.split("/")[0]
        if "/" not in target or used not in MAY_USE:
            self.find(path, number, f'"{target}": write the path from src, as "folder/file.h"')
            return
        allowed = {folder} | MAY_USE[folder] | (TESTS_MAY_USE if path in self.tests else set())
        if used not in allowed:
            self.find(path, number, f"{folder} may not use {used}")
        if folder == used == "adapters":
            self.check_adapter(path, number, target)

    def check_adapter(self, path, number, target):
        own, other = adapter_of(path.name), adapter_of(target.split("/")[1])
        if other != "" and own != other:
            self.find(path, number, f"an adapter includes another one: {target}")


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
    findings = Tidy(root).run()
    print("\n".join(findings) if findings else "tidy")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
