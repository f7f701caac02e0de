"""The documented deployment, each stage a process of its own, and what the documents ask of it.

Every metric that the runbook and the dashboards name, with the labels that they ask for, is
answered by one of the processes; where the runbook says where, by that one. Every expression of
the pipeline's dashboard is well-formed to Prometheus itself, where it is installed.

usage: metrics_test.py PROGRAM
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from servers import Missing, Postgres, free_port
from waiting import get, wait_until

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "influencer-analytics"
ROOT = pathlib.Path(__file__).resolve().parent.parent
IDS = "1000000-1000099"
# Only with SQS, and only with TimescaleDB: tests/compose_test.py and tests/postgres look at those.
ELSEWHERE = re.compile(r"ia_sqs_\w+|ia_store_(failed_jobs|uncompressed_seconds)$")
NAME = re.compile(r"\bia_\w+\w")
SELECTOR = re.compile(r"\b(ia_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)="([^"]*)"')


def expressions_of(dashboard):
    found = []

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("expr"), str):
                found.append(node["expr"])
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                walk(part)
    walk(json.loads(dashboard.read_text()))
    return found


def series_of(text):
    """name -> the label sets of its samples; names of histograms also without their suffix."""
    series = {}
    for line in text.splitlines():
        match = re.match(r"(\w+)(?:\{(.*)\})? ", line)
        if line.startswith("#") or not match:
            continue
        labels = dict(LABEL.findall(match[2] or ""))
        names = {match[1], re.sub(r"_(bucket|sum|count)$", "", match[1])}
        for name in names:
            series.setdefault(name, []).append(labels)
    return series


def alive(api):
    """The stages whose processes the API knows to be alive."""
    summary = json.loads(get(f"http://{api}/api/v1/summary")[1])
    return {worker["stage"] for worker in summary.get("workers") or ()}


class Deployment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.data = pathlib.Path(cls.directory.name, "data")
        cls.processes = []
        network = f"127.0.0.1:{free_port()}"
        where = ("--data-dir", str(cls.data))
        upstream = ("--mockstagram-url", f"http://{network}")
        cls.start("mockstagram", "--listen", network, "--influencers", IDS)
        subprocess.run([PROGRAM, "seed", *where, "--influencers", IDS], check=True,
                       capture_output=True, timeout=60)
        stages = ("fetch", "sink", "check", "api")
        cls.ports = {stage: f"127.0.0.1:{free_port()}" for stage in stages}
        for stage, port in cls.ports.items():
            listen = "--listen" if stage == "api" else "--metrics-listen"
            more = upstream if stage in ("fetch", "check") else ()
            cls.start(stage, *where, *more, listen, port)
        cls.series = {stage: series_of(cls.metrics(port)) for stage, port in cls.ports.items()}

    @classmethod
    def tearDownClass(cls):
        for process in cls.processes:
            process.kill()
            process.wait()
        cls.directory.cleanup()

    @classmethod
    def start(cls, *arguments):
        cls.processes.append(subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL,
                                              stderr=subprocess.DEVNULL))

    @classmethod
    def metrics(cls, port):
        # Before that an API says what its start is doing.
        try:
            wait_until(f"{port} is ready", lambda: get(f"http://{port}/readyz")[0] == 200)
        except AssertionError:
            cls.tearDownClass()
            raise
        return get(f"http://{port}/metrics")[1]

    def homes_of(self, name, labels=()):
        return {stage for stage, series in self.series.items()
                if any(all(sample.get(key) == value for key, value in labels)
                       for sample in series.get(name, []))}

    def assert_answered(self, text):
        for name, selector in SELECTOR.findall(text):
            if ELSEWHERE.match(name) or name.endswith("_"):
                continue
            self.assertTrue(self.homes_of(name, LABEL.findall(selector)), f"{name}{{{selector}}}")

    def test_what_the_runbook_names_is_there(self):
        text = (ROOT / "docs/runbook.md").read_text()
        self.assertGreater(len(set(NAME.findall(text))), 15)
        self.assert_answered(text)

    # "| fetch | `ia_...`, `ia_...` |"
    def test_what_the_runbook_says_of_a_process_is_there(self):
        text = (ROOT / "docs/runbook.md").read_text()
        rows = re.findall(r"^\| `(fetch|sink|check|api)` \| (.*) \|$", text, re.M)
        self.assertEqual({stage for stage, _ in rows}, set(self.ports))
        for stage, names in rows:
            for name in NAME.findall(names):
                self.assertIn(stage, self.homes_of(name), name)

    def test_what_the_dashboards_ask_for_is_there(self):
        asked = 0
        for dashboard in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")):
            for expression in expressions_of(dashboard):
                asked += len(NAME.findall(expression))
                self.assert_answered(expression)
        self.assertGreater(asked, 20)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed: prometheus")
    def test_prometheus_understands_every_expression(self):
        groups = {"groups": [{"name": "all", "rules": []}]}
        expressions = expressions_of(ROOT / "deploy/grafana/dashboards/pipeline.json")
        for number, expression in enumerate(expressions):
            groups["groups"][0]["rules"].append({"record": f"r{number}", "expr": expression})
        rules = pathlib.Path(self.directory.name, "rules.yaml")
        rules.write_text(json.dumps(groups))  # JSON is YAML
        done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for port in self.ports.values():
            _, metrics = get(f"http://{port}/metrics")
            done = subprocess.run(["promtool", "check", "metrics"], input=metrics, text=True,
                                  capture_output=True, timeout=60, check=False)
            self.assertNotIn("error while linting", done.stderr)

    def test_every_stage_is_among_the_processes_that_are_alive(self):
        wait_until("all of them are alive",
                   lambda: alive(self.ports["api"]) == set(self.ports))

    def test_every_process_says_whether_it_lives_and_is_ready(self):
        for stage, port in self.ports.items():
            self.assertEqual(get(f"http://{port}/healthz")[0], 200, stage)
            self.assertIn(get(f"http://{port}/readyz")[0], (200, 503), stage)
        for stage in ("fetch", "sink", "check"):
            self.assertEqual(get(f"http://{self.ports[stage]}/readyz")[0], 200, stage)


class Fleet(unittest.TestCase):
    """Processes that share a PostgreSQL hear of each other, the one that checks among them."""

    def test_every_stage_is_among_the_processes_that_are_alive(self):
        try:
            with Postgres() as server, tempfile.TemporaryDirectory() as data:
                self.look(server, ("--data-dir", data, "--store", "postgres", "--postgres-url",
                                   server.url))
        except Missing as missing:
            self.skipTest(str(missing))

    def look(self, server, where):
        for command in (("migrate", "--postgres-url", server.url),
                        ("seed", *where, "--influencers", IDS)):
            subprocess.run([PROGRAM, *command], check=True, capture_output=True, timeout=60)
        api = f"127.0.0.1:{free_port()}"
        nowhere = ("--mockstagram-url", "http://127.0.0.1:1")
        processes = [subprocess.Popen([PROGRAM, *command, *where], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
                     for command in (("fetch", *nowhere), ("sink",), ("check", *nowhere),
                                     ("api", "--listen", api))]
        try:
            wait_until("all of them are alive", lambda: alive(api) == {
                "fetch", "sink", "check", "api"})
        finally:
            for process in processes:
                process.kill()
                process.wait()


if __name__ == "__main__":
    unittest.main(verbosity=2)
