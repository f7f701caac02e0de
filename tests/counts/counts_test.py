#!/usr/bin/env python3
"""Counts the instructions of the hot paths under callgrind, and compares them with counts.json.

usage: counts_test.py HOT_PATHS BUILD      BUILD: the compiler, its flags and the machine, in words

Counts repeat to the instruction, unlike times, so a path that becomes 5 % dearer is seen. They are
compared with those that the same compiler gave with the same flags. Both directions fail: what
became cheaper has to be recorded, or it could become dearer again unnoticed. After a change that is
meant:

    UPDATE=1 ctest --preset dev -R instruction_counts

Skipped, with code 77, without valgrind, and for a compiler whose counts nobody has recorded.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TABLE = pathlib.Path(__file__).with_name("counts.json")
PATHS = ("reply", "batch", "chunk", "series")
BAND = 0.05
RECORD = "UPDATE=1 ctest --preset dev -R instruction_counts"
# The C library, and simdjson, choose among functions by what the processor can do.
SAME_EVERYWHERE = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX2_Usable,-AVX,"
                      "-AVX_Usable,-BMI2,-ERMS,-FSRM,-MOVBE,-LZCNT,-RTM"
                      ":glibc.cpu.x86_non_temporal_threshold=0x10000000",
    "SIMDJSON_FORCE_IMPLEMENTATION": "westmere",
    "LC_ALL": "C",
}


def count(program, path, scratch):
    """Operations, instructions and allocations of one path."""
    directory = scratch / path
    directory.mkdir()
    out = scratch / f"{path}.out"
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=hot_path",
         f"--callgrind-out-file={out}", program, path, directory],
        env={**os.environ, **SAME_EVERYWHERE}, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{program} {path} under valgrind: exit code {run.returncode}\n{run.stderr}")
    operations, allocations = (int(word) for word in run.stdout.split())
    totals = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
    if not operations or not totals or int(totals[1]) == 0:
        sys.exit(f"{path}: nothing was counted: is the function hot_path inlined?")
    return {"operations": operations, "instructions": int(totals[1]), "allocations": allocations}


def findings(path, now, recorded):
    """What differs by more than the band, one line each."""
    for what in ("instructions", "allocations"):
        before, after = recorded[what], now[what]
        each = f"{after / now['operations']:.2f} per operation"
        if abs(after - before) > BAND * before:
            change = f"{100 * (after / before - 1):+.1f} %" if before else f"+{after}"
            yield f"{path}: {after:,} {what} ({each}), recorded are {before:,}: {change}"


def main():
    program, build = sys.argv[1:]
    if not shutil.which("valgrind"):
        print("SKIPPED: no valgrind: apt-get install valgrind")
        return 77
    table = json.loads(TABLE.read_text())
    updates = os.environ.get("UPDATE") == "1"
    if build not in table and not updates:
        print(f"SKIPPED: no counts of this build are recorded: {build}\nto record them: {RECORD}")
        return 77
    with tempfile.TemporaryDirectory(prefix="ia_counts.") as scratch:
        counts = {path: count(program, path, pathlib.Path(scratch)) for path in PATHS}
    for path, now in counts.items():
        each = now["instructions"] / now["operations"]
        print(f"{path:8} {now['instructions']:12,} instructions, {each:9.1f} per operation,"
              f" {now['allocations']:6,} allocations")
    if updates:
        table[build] = counts
        TABLE.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
        print(f"recorded in {TABLE}")
        return 0
    found = [line for path in PATHS for line in findings(path, counts[path], table[build][path])]
    for line in found:
        print(line)
    if found:
        print(f"If this is meant, record it and say why in the commit: {RECORD}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
