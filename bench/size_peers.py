#!/usr/bin/env python3
"""The bytes per point and the CPU of this store beside ClickHouse's, on the same data in one run.

    bench/size_peers.py [--influencers N] [--build build/release]

Data are a day of the mock network's statistics and a day of slow accounts, made by size_bench.
ClickHouse is the one inside PyPI's chdb (`pip install chdb`); where that is absent, its rows are
skipped and the output says so. Its bytes are those of the table's parts after OPTIMIZE FINAL; its
CPU is that of one insert of the day, ordered by minute, and of the merge.
"""
import argparse
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

TABLE = """CREATE TABLE points (
  id UInt64 CODEC(DoubleDelta, ZSTD(1)),
  minute UInt32 CODEC(DoubleDelta, ZSTD(1)),
  followers Int64 CODEC(Delta, T64('bit'), ZSTD(3)),
  following Int64 CODEC(Delta, T64('bit'), ZSTD(3)))
  ENGINE = MergeTree ORDER BY (id, minute) SETTINGS min_bytes_for_wide_part = 0"""
ROW = "id UInt64, minute UInt64, followers Int64, following Int64"


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def clickhouse(data, influencers, work):
    """Bytes per point, CPU seconds per million points, version."""
    from chdb import session
    peer = session.Session(str(work / "clickhouse"))
    version = str(peer.query("SELECT version()", "TSV")).strip()
    peer.query("CREATE DATABASE IF NOT EXISTS bench")
    peer.query("USE bench")
    peer.query(TABLE)
    before = cpu_seconds()
    peer.query(f"INSERT INTO points SELECT id, minute, followers, following "
               f"FROM file('{data}', 'RowBinary', '{ROW}')")
    peer.query("OPTIMIZE TABLE points FINAL")
    cpu = cpu_seconds() - before
    count = int(str(peer.query("SELECT count() FROM points", "TSV")))
    if count != influencers * 1440:
        raise SystemExit(f"ClickHouse has {count} points of {influencers * 1440}")
    size = int(str(peer.query("SELECT sum(bytes_on_disk) FROM system.parts "
                              "WHERE active AND table = 'points'", "TSV")))
    peer.close()
    return size / count, cpu / count * 1e6, version


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--influencers", type=int, default=5000)
    parser.add_argument("--build", default="build/release")
    options = parser.parse_args()
    program = pathlib.Path(options.build) / "bench" / "size_bench"
    try:
        import chdb  # noqa: F401
        has_peer = True
    except ImportError:
        has_peer = False
        print("SKIPPED: ClickHouse (chdb is not installed: pip install chdb)", file=sys.stderr)
    for kind in ("mock", "slow"):
        ours = subprocess.run(
            [program, "--only", kind, "--ids", "contiguous", "--days", "1", "--influencers",
             str(options.influencers)], check=True, capture_output=True, text=True).stdout
        print(ours, end="")
        days = float(re.search(r"([\d.]+) in days", ours).group(1))
        if not has_peer:
            continue
        with tempfile.TemporaryDirectory() as work:
            data = pathlib.Path(work) / "data.bin"
            subprocess.run([program, "--export", data, "--only", kind, "--influencers",
                            str(options.influencers)], check=True)
            theirs, cpu, version = clickhouse(data, options.influencers, pathlib.Path(work))
        print(f"  ClickHouse {version}: {theirs:.4f} bytes per point, {cpu * 1e3:.0f} ns of CPU "
              f"per point; ours are {days / theirs:.2f} of its bytes")


if __name__ == "__main__":
    main()
