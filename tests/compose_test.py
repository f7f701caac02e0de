"""The services of deploy/compose.yaml as processes, and what watches them.

usage: compose_test.py PROGRAM FOLDER_WITH_THE_JARS_OF_ELASTICMQ

Every service that runs the program is started with its command, its environment and its health
check, in the order of depends_on, against a real ElasticMQ and a real PostgreSQL. Names and ports
of the compose file become free ports of 127.0.0.1, and the million influencers two thousand.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import waiting
from servers import ElasticMq, Missing, Postgres, free_port

PROGRAM, JARS = sys.argv[1:3] if len(sys.argv) > 2 else ("influencer-analytics", "jars")
DEPLOY = pathlib.Path(__file__).resolve().parent.parent / "deploy"
SKIPPED = 77
MINUTES_MAX = 4
WITH_THE_FIRST_EVENT = {"ia_alert_deliveries_total"}
MILLION, FEW, COUNT = "1000000-1999999", "1000000-1001999", 2_000
DEFAULT_PORTS = {"http": 80, "postgresql": 5432}
STARTED, HEALTHY, COMPLETED = ("service_started", "service_healthy",
                               "service_completed_successfully")
HOST = re.compile(r"(\w+)://([^/@\s]*@)?([a-z]+)(?::(\d+))?(?=/|$)")
OWN = re.compile(r"\b(?:0\.0\.0\.0|127\.0\.0\.1):(\d+)\b")


def read_yaml(path):
    import yaml  # python3-yaml; see the end of this file
    return yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))


def runs_the_program(service):
    return service["image"] == "influencer-analytics"


def dependencies(service):
    wanted = service.get("depends_on", {})
    if isinstance(wanted, list):
        return {name: STARTED for name in wanted}
    return {name: how["condition"] for name, how in wanted.items()}


# What goes wrong while it waits is a failure.
wait_until = functools.partial(waiting.wait_until, passing=())


class Services:
    """What `docker compose up` would start; each in a directory of its own."""

    def __init__(self, directory, servers):
        self.directory = pathlib.Path(directory)
        self.services = read_yaml("compose.yaml")["services"]
        self.addresses = dict(servers)  # (service, port): "127.0.0.1:..."
        self.processes = {}

    def address(self, service, port):
        key = service, int(port)
        if key not in self.addresses:
            self.addresses[key] = f"127.0.0.1:{free_port()}"
        return self.addresses[key]

    def here(self, service, text):
        """A word of the compose file with the addresses of this test."""
        def of_another(match):
            scheme, user, name, port = match.groups()
            assert name in self.services, f"{service} wants {name}, which is no service"
            port = port or DEFAULT_PORTS[scheme]
            return f"{scheme}://{user or ''}{self.address(name, port)}"
        if (url := HOST.sub(of_another, text)) != text:
            return url
        own = OWN.sub(lambda match: self.address(service, match[1]), text)
        return own.replace(MILLION, FEW)

    def environment(self, name):
        given = {key: self.here(name, str(value))
                 for key, value in self.services[name]["environment"].items()}
        own = self.directory / name
        own.mkdir(exist_ok=True)
        return {"PATH": os.environ["PATH"], **given, "IA_DATA_DIR": str(own)}

    def command(self, name):
        return [PROGRAM, *(self.here(name, word) for word in self.services[name]["command"])]

    def start(self, name):
        with open(self.log(name), "a", encoding="utf-8") as log:
            self.processes[name] = subprocess.Popen(
                self.command(name), env=self.environment(name), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=self.directory)

    def log(self, name):
        return self.directory / f"{name}.log"

    def is_healthy(self, name):
        test = self.services[name]["healthcheck"]["test"]
        assert test[:2] == ["CMD", "influencer-analytics"], test
        done = subprocess.run([PROGRAM, *(self.here(name, word) for word in test[2:])],
                              env=self.environment(name), capture_output=True, timeout=60)
        return done.returncode == 0

    def has_completed(self, name):
        code = self.processes[name].wait(60)
        if code != 0 and self.services[name]["restart"] == "on-failure":
            self.start(name)
        return code == 0

    def start_in_order(self):
        waiting = [name for name, service in self.services.items() if runs_the_program(service)]
        while waiting:
            ready = [name for name in waiting if not set(dependencies(self.services[name]))
                     & set(waiting)]
            assert ready, f"depends_on goes in a circle: {waiting}"
            for name in ready:
                for other, condition in dependencies(self.services[name]).items():
                    self.wait_for(other, condition)
                self.start(name)
                waiting.remove(name)

    def wait_for(self, name, condition):
        if not runs_the_program(self.services[name]) or condition == STARTED:
            return  # the servers of this test answer already
        met = {HEALTHY: self.is_healthy, COMPLETED: self.has_completed}[condition]
        wait_until(f"{name}: {condition}", lambda: met(name), 60)

    def long_lived(self):
        return [name for name, service in self.services.items()
                if runs_the_program(service) and service["restart"] == "unless-stopped"]

    def restart_ended(self, name):
        """As the service's restart policy wants it: a server that it needs may be restarting."""
        if self.processes[name].poll() is not None:
            self.start(name)

    def kill(self, name):
        self.processes[name].kill()
        self.processes[name].wait()

    def kill_all(self):
        for name in self.processes:
            self.kill(name)


class Compose(unittest.TestCase):
    def setUp(self):
        self.database = self.enterContext(Postgres())
        queues = self.enterContext(ElasticMq(JARS))
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.services = Services(directory, {
            ("elasticmq", 9324): queues.url.removeprefix("http://"),
            ("timescaledb", 5432): f"127.0.0.1:{self.database.port}"})
        self.addCleanup(self.services.kill_all)

    def minute(self, begin):
        rows = self.database.ask("SELECT due, stored, missed, closed FROM ia.minutes"
                                 f" WHERE minute = to_timestamp({begin})")
        return dict(zip(("due", "stored", "missed", "closed"), rows[0])) if rows else {}

    def is_complete(self, begin):
        row = self.minute(begin)
        return row.get("due") == row.get("stored") == str(COUNT)

    # A machine that stands still for seconds, as shared ones do, may cost a minute some points.
    def wait_for_complete_minute(self):
        first = (int(time.time()) // 60 + 1) * 60
        for minute in range(first, first + MINUTES_MAX * 60, 60):
            wait_until("a minute is over", lambda: time.time() > minute + 61, 130)
            try:
                wait_until("it is complete", lambda: self.is_complete(minute), 40)
                return minute
            except AssertionError:
                print(f"{minute} is not complete: {self.minute(minute)}", flush=True)
        self.fail(f"not one of {MINUTES_MAX} minutes in a row is complete")

    def wait_until_all_are_healthy(self):
        for name in self.services.long_lived():
            wait_until(f"{name} is healthy", lambda: self.is_healthy_at_last(name), 60)

    def is_healthy_at_last(self, name):
        self.services.restart_ended(name)
        return self.services.is_healthy(name)

    def test_stores_every_minute_and_loses_nothing_when_one_of_each_is_killed(self):
        try:
            self.run_through()
        except BaseException:
            for name in self.services.processes:
                lines = self.services.log(name).read_text(encoding="utf-8").splitlines()
                print(f"==== {name}", *lines[-15:], sep="\n", flush=True)
            raise

    def run_through(self):
        self.services.start_in_order()
        self.wait_until_all_are_healthy()
        self.check_health_of_one_that_stands_still("fetch")
        first = self.wait_for_complete_minute()
        self.check_metrics()
        for name in self.services.long_lived():
            self.services.kill(name)
            self.assertFalse(self.services.is_healthy(name), name)
            self.services.restart_ended(name)
        self.database.kill()
        self.database.start()
        self.wait_until_all_are_healthy()
        last = self.wait_for_complete_minute()
        self.check_nothing_is_lost(first, last)

    def check_health_of_one_that_stands_still(self, name):
        process = self.services.processes[name]
        process.send_signal(signal.SIGSTOP)
        threads = list(pathlib.Path(f"/proc/{process.pid}/task").glob("*/stat"))
        wait_until(f"{name} stands still", lambda: all(
            thread.read_text().rpartition(") ")[2].startswith("T") for thread in threads), 60)
        self.assertFalse(self.services.is_healthy(name))
        process.send_signal(signal.SIGCONT)
        self.assertTrue(self.services.is_healthy(name))

    # Of every minute in between, each value is stored or was not to be had, and said to be so; a
    # batch that got lost after its shard was given back would be neither.
    def check_nothing_is_lost(self, first, last):
        for begin in range(first, last + 60, 60):
            row = self.minute(begin)
            self.assertEqual(int(row["due"]), int(row["stored"]) + int(row["missed"]), row)
        stored = self.database.ask("SELECT count(*), count(DISTINCT influencer_id) FROM ia.points"
                                   f" WHERE minute = to_timestamp({last})")
        self.assertEqual(stored, [[str(COUNT), str(COUNT)]])
        dead = dict(re.findall(r'ia_queue_dead_messages{queue="(\w+)"} (\d+)',
                               self.metrics_of("api", 8080)))
        self.assertEqual(dead, {"influencer_id_store": "0", "influencer_data_points": "0"})

    def metrics_of(self, name, port):
        address = self.services.address(name, port)
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as reply:
            return reply.read().decode()

    # What the dashboard of the pipeline shows is served where Prometheus looks.
    def check_metrics(self):
        told = "".join(self.metrics_of(name, port) for name, port in scraped())
        served = set(re.findall(r"^# TYPE (\w+) ", told, re.M)) | WITH_THE_FIRST_EVENT
        for expression in expressions("grafana/dashboards/pipeline.json"):
            for metric in re.findall(r"\bia_\w+", expression):
                self.assertTrue(metric.removesuffix("_bucket") in served, metric)


def scraped():
    found = []
    for job in read_yaml("prometheus.yaml")["scrape_configs"]:
        for config in job["dns_sd_configs"]:
            found += [(name, config["port"]) for name in config["names"]]
    return found


def dashboards():
    return {path: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((DEPLOY / "grafana/dashboards").glob("*.json"))}


def expressions(path):
    return [target["expr"] for panel in dashboards()[DEPLOY / path]["panels"]
            for target in panel["targets"]]


def uids(value):
    if isinstance(value, list):
        return {uid for one in value for uid in uids(one)}
    if not isinstance(value, dict):
        return set()
    own = value.get("datasource")
    found = {own["uid"]} if isinstance(own, dict) and "uid" in own else set()
    return found | {uid for one in value.values() for uid in uids(one)}


class Watching(unittest.TestCase):
    """Prometheus and Grafana are not run: their files are checked against the services."""

    def setUp(self):
        self.services = read_yaml("compose.yaml")["services"]

    def test_prometheus_scrapes_every_stage(self):
        stages = {name for name, service in self.services.items()
                  if runs_the_program(service) and service["restart"] == "unless-stopped"}
        self.assertEqual({name for name, _ in scraped()}, stages - {"mockstagram"})
        for name, port in scraped():
            listen = "IA_LISTEN" if name == "api" else "IA_METRICS_LISTEN"
            self.assertEqual(self.services[name]["environment"][listen], f"0.0.0.0:{port}")

    def test_promtool_takes_the_configuration(self):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed: apt-get install prometheus")
        subprocess.run(["promtool", "check", "config", str(DEPLOY / "prometheus.yaml")], check=True)

    def test_grafana_has_the_data_sources_of_its_dashboards(self):
        sources = read_yaml("grafana/provisioning/datasources/influencer-analytics.yaml")
        provisioned = {source["uid"] for source in sources["datasources"]}
        for path, dashboard in dashboards().items():
            wanted = {uid for uid in uids(dashboard) if not uid.startswith(("-- ", "$"))}
            self.assertTrue(wanted, path)
            self.assertLessEqual(wanted, provisioned, path)
        for source in sources["datasources"]:
            self.assertIn(re.search(r"(?:^|//)(\w+):\d+", source["url"])[1], self.services)

    def test_grafana_finds_the_dashboards_where_they_are_mounted(self):
        provider, = read_yaml("grafana/provisioning/dashboards/influencer-analytics.yaml")[
            "providers"]
        mounted = {}
        for name in ("grafana", "prometheus"):
            for volume in self.services[name]["volumes"]:
                source, target, _ = volume.split(":")
                self.assertTrue((DEPLOY / source).exists(), volume)
                mounted[target] = source
        self.assertEqual(mounted[provider["options"]["path"]], "./grafana/dashboards")

    def test_the_image_has_the_settings_and_the_health_check_of_the_services(self):
        dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
        health = json.loads(re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", dockerfile, re.M)[1])
        self.assertEqual(["CMD", *health], self.services["fetch"]["healthcheck"]["test"])
        for setting in re.search(r"^ENV (.*)$", dockerfile, re.M)[1].split():
            name, value = setting.split("=", 1)
            self.assertEqual(self.services["fetch"]["environment"][name], value)


if __name__ == "__main__":
    try:
        import yaml  # noqa: F401
        Postgres(), ElasticMq(JARS)
    except ImportError:
        print("SKIPPED: the compose file cannot be read: apt-get install python3-yaml")
        sys.exit(SKIPPED)
    except Missing as missing:
        print(f"SKIPPED: {missing}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
