#!/usr/bin/env python3
"""Gives Prometheus the series that prometheus_twin serves, and compares the answers of both.

usage: compare_test.py TWIN [SEED [COUNT]]

TWIN is the program prometheus_twin.cpp beside this. Without Debian's package `prometheus` it says
so and exits 77. SEED and COUNT are of the expressions that are made at random.
"""

import contextlib
import functools
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import expressions  # noqa: E402
import servers  # noqa: E402

SKIP = 77
BEGIN = 1767225600  # 2026-01-01, when the series begin
# Between minutes and on them, in the outage and around it, before and after everything.
INSTANTS = [BEGIN + minute * 60 + second for minute, second in
            [(-1, 0), (0, 0), (45, 30), (64, 0), (72, 0), (75, 0.5), (84, 59.999), (100, 0),
             (179, 0), (179, 45)]]
LAST = INSTANTS[-1]
WINDOW = re.compile(r"\[ ?((?:\d+(?:ms|[smhdwy]))+) ?\]")
UNITS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}


class Program:
    """One of the two, by the address of its API."""

    def __init__(self, url):
        self.url = url

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else text


def left_open(expression):
    """For Prometheus 2, whose windows are closed on the left: shorter by a millisecond."""
    def shorter(found):
        total = sum(int(n) * UNITS[u] for n, u in re.findall(r"(\d+)(ms|[smhd])", found.group(1)))
        return f"[{total - 1}ms]" if total > 1 else found.group(0)
    return WINDOW.sub(shorter, expression)


SELECTOR = re.compile(r"(\b(?:influencer|nobody)s?[a-z_:]*(?:\{[^}]*\})?)(?![\w\[{:])"
                      r"((?: offset -?\w+)?)")


def looking_back(expression, seconds):
    """Every selector's newest sample of the seconds, as a window: for a range, in which we look
    back less far than Prometheus."""
    window = f"[{round(seconds * 1000)}ms]"
    return SELECTOR.sub(lambda found: f"last_over_time({found.group(1)}{window}{found.group(2)})",
                        expression)


def same(a, b):
    a, b = float(a), float(b)
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9,
                                                                       abs_tol=1e-9)


def samples_of(result):
    """By label set: a list of (time, value)."""
    return {json.dumps(one["metric"], sort_keys=True): one.get("values") or [one["value"]]
            for one in result}


def differences(ours, theirs, is_sorted):
    """None, or what differs in two answers' data."""
    if ours["resultType"] != theirs["resultType"]:
        return f"{ours['resultType']}, there {theirs['resultType']}"
    a, b = ours["result"], theirs["result"]
    if ours["resultType"] in ("scalar", "string"):
        values = (a[1] == b[1]) if ours["resultType"] == "string" else same(a[1], b[1])
        return None if values and a[0] == b[0] else f"{a}, there {b}"
    if is_sorted:  # of equal values any may stand there
        values = [[one["value"][1] for one in result] for result in (a, b)]
        is_same = len(a) == len(b) and all(map(same, *values))
        return None if is_same else f"{values[0]}, there {values[1]}"
    a, b = samples_of(a), samples_of(b)
    if a.keys() != b.keys():
        return f"series only here {a.keys() - b.keys()}, only there {b.keys() - a.keys()}"
    for labels, samples in a.items():
        if [t for t, _ in samples] != [t for t, _ in b[labels]]:
            return f"{labels}: other times: {samples[:5]}, there {b[labels][:5]}"
        for (at, x), (_, y) in zip(samples, b[labels]):
            if not same(x, y):
                return f"{labels} at {at}: {x}, there {y}"
    return None


class Comparison:
    def __init__(self, ours, theirs):
        self.ours, self.theirs = ours, theirs
        self.is_2 = is_version_2()
        print("Prometheus", theirs.get("status/buildinfo")[1]["data"]["version"])
        self.count = 0
        self.found = []

    def find(self, what):
        self.found.append(what)

    def compare(self, path, query, there=None, **parameters):
        self.count += 1
        ours, a = self.ours.get(path, query=query, **parameters)
        text = left_open(there or query) if self.is_2 else there or query
        theirs, b = self.theirs.get(path, query=text, **parameters)
        where = f"{path} {query!r} {parameters}"
        if ours != theirs:
            return self.find(f"{where}: {ours} {str(a)[:200]}, there {theirs} {str(b)[:200]}")
        if ours != 200:
            return self.find(f"{where}: {ours} {str(a)[:200]}")
        is_sorted = path == "query" and re.match(r"(topk|bottomk)\b", query, re.I) is not None
        what = differences(a["data"], b["data"], is_sorted)
        return self.find(f"{where}: {what}") if what else None

    def instant(self, query, at, there=None):
        self.compare("query", query, there, time=at)

    def over_time(self, query, begin, end, step):
        there = looking_back(query, min(max(step, 60), 300))
        self.compare("query_range", query, there, start=begin, end=end, step=step)

    def statuses(self, path, wanted, **parameters):
        """Both answer with the status; 4xx stands for any refusal."""
        self.count += 1
        for name, program in (("here", self.ours), ("there", self.theirs)):
            status, answer = program.get(path, **parameters)
            if status != wanted and not (wanted == 400 and status in (400, 422)):
                self.find(f"{path} {parameters}: {status} {name}: {str(answer)[:200]}")

    def sets(self, path, **parameters):
        self.count += 1
        answers = []
        for program in (self.ours, self.theirs):
            status, answer = program.get(path, **parameters)
            data = answer.get("data") if status == 200 else []
            answers.append((status, sorted(json.dumps(one, sort_keys=True) for one in data)))
        if answers[0] != answers[1]:
            self.find(f"{path} {parameters}: {answers[0]}, there {answers[1]}")


def compare_expressions(comparison):
    for number, query in enumerate(expressions.instant()):
        for at in (INSTANTS[number % 3 + 2], INSTANTS[number % len(INSTANTS)], LAST):
            comparison.instant(query, at)
    for query in expressions.over_time():
        comparison.over_time(query, BEGIN + 60 * 50 + 30, BEGIN + 60 * 130, 60)
    for step in (15, 30, 90, 300, 1000, 0.5):
        comparison.over_time(expressions.SOME, BEGIN + 3540.25, BEGIN + 4600, step)
        comparison.over_time(f"avg_over_time({expressions.SOME}[7m])", BEGIN, BEGIN + 3000, step)
    for k in (1, 3, 5, 100):
        comparison.instant(f"topk({k}, {expressions.FOLLOWERS})", LAST)
        comparison.instant(f"bottomk({k}, {expressions.FOLLOWERS})", LAST)


def compare_refusals(comparison):
    for query in expressions.REFUSED:
        comparison.statuses("query", 400, query=query, time=LAST)
    for query in expressions.REFUSED_OVER_TIME:
        comparison.statuses("query_range", 400, query=query, start=BEGIN, end=LAST, step=60)


def compare_parameters(comparison):
    for text in ("-1", "-1.5", "1e9", "1.7e9", "+5", "0", "1767229200.123456", ".5", "5.",
                 "2026-01-01T00:30:30Z", "2026-01-01T02:30:30.25+02:00"):
        comparison.instant("1", text)
        comparison.instant(expressions.ONE, text)
    for text in ("x", "1h", "2026-01-01", "1 2", "0x", "--1"):
        comparison.statuses("query", 400, query="1", time=text)
    span = {"query": "1", "start": 0, "end": 600}
    for step in ("60", "1m", "6e1", "1m30s", "0.5", "600", "1h"):
        comparison.statuses("query_range", 200, **span, step=step)
    for step in ("0", "-5", "x", "", "5m1h", "0s", "1.5m"):
        comparison.statuses("query_range", 400, **span, step=step)
    for end, wanted in ((11000, 200), (11000.9, 200), (11001, 400), (-1, 400)):
        comparison.statuses("query_range", wanted, query="1", start=0, end=end, step=1)
    one = expressions.ONE
    for start, end in ((BEGIN, LAST), (0, BEGIN - 7200), (LAST + 7200, LAST + 9000), (None, None)):
        times = {} if start is None else {"start": start, "end": end}
        for selector in (one, "influencers_missed", "influencers_due", "nobodys_metric"):
            comparison.sets("series", **{"match[]": selector}, **times)
            comparison.sets("labels", **{"match[]": selector}, **times)
            comparison.sets("label/id/values", **{"match[]": selector}, **times)
            comparison.sets("label/reason/values", **{"match[]": selector}, **times)
        comparison.sets("series", **{"match[]": [one, "influencers_due"]}, **times)
    comparison.statuses("series", 400)
    for path in ("series", "labels", "label/id/values"):
        for wrong in ({"match[]": "1"}, {"match[]": "m["}, {"match[]": one + "[5m]"},
                      {"match[]": f"sum({one})"}, {"match[]": one, "start": "x"}):
            comparison.statuses(path, 400, **wrong)


def compare_differences(comparison, documented):
    """Every difference is documented, and is one."""
    for title, cases in expressions.DIFFERS.items():
        if title.replace("`", "") not in documented.replace("`", ""):
            comparison.find(f"docs/grafana.md does not say: {title}")
        for theirs, ours in cases:
            if ours != "refused":
                comparison.instant(ours, BEGIN + 45 * 60 + 30, there=theirs)
                continue
            comparison.count += 1
            here, _ = comparison.ours.get("query", query=theirs, time=LAST)
            there, _ = comparison.theirs.get("query", query=theirs, time=LAST)
            if here not in (400, 422) or there != 200:
                comparison.find(f"{theirs}: {here}, there {there}: no difference to document")


def check_metrics(comparison):
    """What promtool says of our own exposition."""
    url = comparison.ours.url.removesuffix("/prometheus") + "/metrics"
    with urllib.request.urlopen(url, timeout=30) as reply:
        done = subprocess.run(["promtool", "check", "metrics"], input=reply.read(), check=False,
                              capture_output=True)
    if done.returncode != 0 or done.stderr:
        comparison.find(f"promtool check metrics: {done.stdout + done.stderr}")


@functools.cache
def is_version_2():
    said = subprocess.run(["prometheus", "--version"], check=True, capture_output=True, text=True)
    return "version 2." in said.stdout + said.stderr


def wait_until_ready(url, process):
    for _ in range(600):
        if process.poll() is not None:
            raise AssertionError("Prometheus ended: " + process.stdout.read())
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url + "/-/ready", timeout=1).close()
            return
        time.sleep(0.05)
    raise AssertionError("Prometheus does not become ready")


@contextlib.contextmanager
def prometheus(series, directory):
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", series,
                    directory / "data"], check=True, capture_output=True)
    (directory / "empty.yml").write_text("{}\n", encoding="utf-8")
    port = servers.free_port()
    process = subprocess.Popen(
        ["prometheus", f"--config.file={directory / 'empty.yml'}",
         f"--storage.tsdb.path={directory / 'data'}", "--storage.tsdb.retention.time=100y",
         f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
         *(["--query.lookback-delta=4m59s999ms"] if is_version_2() else [])],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield Program(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def twin(program, series):
    process = subprocess.Popen([program, series], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    try:
        yield Program(f"http://127.0.0.1:{int(process.stdout.readline())}/prometheus")
    finally:
        process.communicate()


def main():
    for name in ("prometheus", "promtool"):
        if not shutil.which(name):
            print(f"SKIPPED: {name} is not installed: apt-get install prometheus")
            return SKIP
    seed, count = [int(text) for text in (sys.argv[2:] + ["1", "150"][len(sys.argv) - 2:])]
    documented = (HERE.parents[1] / "docs/grafana.md").read_text("utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        with twin(sys.argv[1], directory / "series.txt") as ours, \
                prometheus(directory / "series.txt", directory) as theirs:
            comparison = Comparison(ours, theirs)
            compare_expressions(comparison)
            compare_refusals(comparison)
            compare_parameters(comparison)
            compare_differences(comparison, documented)
            check_metrics(comparison)
            for number, query in enumerate(expressions.made(seed, count)):
                comparison.instant(query, INSTANTS[2 + number % 8])
                comparison.over_time(query, BEGIN + 50 * 60, BEGIN + 110 * 60, 120)
    distinct = len(expressions.instant()) + len(expressions.REFUSED) + count
    print(f"{comparison.count} evaluations of {distinct} expressions compared, "
          f"{len(comparison.found)} differ")
    for what in comparison.found[:80]:
        print(what)
    return 1 if comparison.found else 0


if __name__ == "__main__":
    sys.exit(main())
