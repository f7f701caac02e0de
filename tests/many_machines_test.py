"""Stages as processes that share nothing but SQS and PostgreSQL, as on many machines.

usage: many_machines_test.py PROGRAM NODE_MODULES

Three fetchers, two sinks, two APIs; a fetcher is killed, another frozen for a while, a sink killed,
the database crashes. Nothing that the network answered is stored twice or lost, every minute is
accounted for, and when all is well again a whole minute is complete. Of the APIs one sends alerts,
and when it is killed the other does.
"""

import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import waiting
from servers import Fauxqs, Missing, Postgres, free_port
from waiting import get_json
from webhook_receiver import SECRET, WebhookReceiver

PROGRAM, MODULES = sys.argv[1:3] if len(sys.argv) > 2 else ("influencer-analytics", "node_modules")
FIRST, COUNT = 1_000_000, 6_000
RATE_OF_ALL = 300  # requests/s
SKIPPED = 77
wait_until = functools.partial(
    waiting.wait_until,
    passing=(OSError, RuntimeError, IndexError, TypeError, AssertionError))


class ManyMachines(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.database = self.enterContext(Postgres())
        queues = self.enterContext(Fauxqs(MODULES))
        self.network = f"127.0.0.1:{free_port()}"
        self.apis = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        self.shared = ["--queue", "sqs", "--sqs-endpoint", queues.url, "--visibility", "10s",
                       "--store", "postgres", "--postgres-url", self.database.url]
        self.environment = {**os.environ, "AWS_ACCESS_KEY_ID": "local",
                            "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "eu-west-1"}
        self.started = 0

    def command(self, stage, *arguments):
        # A directory each: nothing is shared by files.
        self.started += 1
        own = os.path.join(self.directory, str(self.started))
        takes_visibility = stage in ("fetch", "sink")
        shared = self.shared if takes_visibility else self.shared[:4] + self.shared[6:]
        return [PROGRAM, stage, "--data-dir", own, *shared, *arguments]

    def start(self, stage, *arguments):
        log = open(os.path.join(self.directory, f"{stage}-{self.started + 1}.log"), "w")
        process = subprocess.Popen(self.command(stage, *arguments), env=self.environment,
                                   stdout=log, stderr=log)
        log.close()
        process.log = pathlib.Path(log.name)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def run_once(self, *command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def start_fetcher(self):
        return self.start("fetch", "--mockstagram-url", f"http://{self.network}",
                          "--max-rate-total", str(RATE_OF_ALL))

    def start_network(self):
        simulator = subprocess.Popen(
            [PROGRAM, "mockstagram", "--listen", self.network, "--influencers",
             f"{FIRST}-{FIRST + COUNT - 1}", "--simulator-answers-kept", "200000"],
            stdout=subprocess.DEVNULL)
        self.addCleanup(simulator.wait)
        self.addCleanup(simulator.kill)

    def minute(self, begin):
        rows = self.database.ask("SELECT due, stored, missed, repeats, closed FROM ia.minutes"
                                 f" WHERE minute = to_timestamp({begin})")
        assert rows, f"nothing of {begin} yet"
        return dict(zip(("due", "stored", "missed", "repeats", "closed"), rows[0]))

    def is_complete(self, begin):
        row = self.minute(begin)
        return row["due"] == row["stored"] == str(COUNT)

    # A machine that stands still for seconds, as shared ones do, may cost a minute some points.
    def wait_for_complete_minute(self):
        first = (int(time.time()) // 60 + 1) * 60
        for minute in (first, first + 60, first + 120):
            wait_until("a whole minute is over", lambda: time.time() > minute + 61, 130)
            try:
                wait_until("it is complete", lambda: self.is_complete(minute), 40)
                return minute
            except AssertionError as error:
                print(f"{minute} is not complete: {error}")
        raise AssertionError("not one of three minutes in a row is complete")

    def test_goes_on_while_any_of_them_is_killed_or_frozen(self):
        self.start_network()
        said = self.run_once(PROGRAM, "migrate", "--postgres-url", self.database.url)
        self.assertIn("schema version", said)
        self.run_once(PROGRAM, "queues", "create", *self.shared[2:4])
        self.run_once(*self.command("seed", "--influencers", f"{FIRST}-{FIRST + COUNT - 1}",
                                    "--shard-size", "100"))
        begun = int(time.time()) // 60 * 60
        fetchers = [self.start_fetcher() for _ in range(3)]
        sinks = [self.start("sink") for _ in range(2)]
        apis = {api: self.start("api", "--listen", api, "--alert-allow-private", "on")
                for api in self.apis}
        wait_until("points are stored",
                   lambda: self.database.ask("SELECT count(*) > 0 FROM ia.points") == [["t"]],
                   100)

        fetchers[0].kill()
        fetchers[1].send_signal(signal.SIGSTOP)
        sinks[0].kill()
        time.sleep(15)  # longer than the visibility: the others take over what these had
        fetchers[1].send_signal(signal.SIGCONT)
        self.database.kill()
        time.sleep(2)
        self.database.start()
        fetchers[0], sinks[0] = self.start_fetcher(), self.start("sink")

        time.sleep(20)  # what was taken comes back when its visibility is over
        whole = self.wait_for_complete_minute()
        self.check_nothing_is_doubled()
        self.check_answers(whole)
        self.check_apis_agree(whole)
        self.check_fleet()
        self.check_alerts(apis)
        for process in (*fetchers, *sinks):
            process.terminate()
        for process in (*fetchers, *sinks):
            self.assertEqual(process.wait(60), 0, process.log.read_text()[-3000:])
        self.check_every_minute_is_accounted_for(begun)

    def check_nothing_is_doubled(self):
        self.assertEqual(self.database.ask(
            "SELECT count(*) FROM (SELECT FROM ia.points GROUP BY influencer_id, minute"
            " HAVING count(*) > 1) AS doubled")[0][0], "0")
        # The accounts of a minute are what its points and misses are.
        self.assertEqual(self.database.ask(
            "SELECT count(*) FROM ia.minutes m WHERE stored <>"
            " (SELECT count(*) FROM ia.points p WHERE p.minute = m.minute)")[0][0], "0")

    # What is stored of a minute was answered by the network in that minute.
    def check_answers(self, minute):
        for influencer in range(FIRST, FIRST + COUNT, 97):
            kept = get_json(f"http://{self.network}/simulator/answers?pk={influencer}")["answers"]
            answered = {(followers, following) for at, followers, following in kept
                        if minute * 1000 <= at < (minute + 60) * 1000}
            stored = self.database.ask(
                "SELECT follower_count, following_count FROM ia.points WHERE influencer_id ="
                f" {influencer} AND minute = to_timestamp({minute})")
            self.assertEqual(len(stored), 1)
            self.assertIn(tuple(int(number) for number in stored[0]), answered)

    def check_apis_agree(self, minute):
        series = [get_json(f"http://{api}/influencer_analytics/{FIRST + 7}"
                           f"?start_time={minute}&end_time={minute + 59}") for api in self.apis]
        self.assertEqual(series[0], series[1])
        self.assertEqual(len(series[0]["data"]), 1)
        for api in self.apis:
            wait_until(f"{api} ranks everybody",
                       lambda api=api: get_json(f"http://{api}/api/v1/summary")["with_value"]
                       == COUNT, 60)

    # The limit is shared evenly by those that live, and each is counted in the bill.
    def check_fleet(self):
        shares = "SELECT upstream_share FROM ia.processes WHERE stage = 'fetch'"
        wait_until("each has its share", lambda: self.database.ask(shares)
                   == [[str(RATE_OF_ALL // 3)]] * 3, 60)
        summary = lambda: get_json(f"http://{self.apis[0]}/api/v1/summary")
        wait_until("each is in the bill", lambda: summary()["queue_bill"]["processes"] == 7, 60)
        self.assertGreater(summary()["queue_bill"]["usd_per_day"], 0)
        fetchers = [one for one in summary()["workers"] if one["stage"] == "fetch"]
        self.assertEqual([one["upstream_share"] for one in fetchers], [RATE_OF_ALL // 3] * 3)

    # A rule that fires with nearly every value, of all influencers of a shard and more.
    def add_rule(self, api, url):
        rule = {"name": "any change", "kind": "relative", "direction": "either", "count": 1,
                "window_minutes": 1, "influencers": list(range(FIRST, FIRST + 200)), "url": url,
                "secret": SECRET}
        request = urllib.request.Request(f"http://{api}/api/v1/alerts", json.dumps(rule).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            self.assertEqual(reply.status, 201)
            return json.load(reply)["id"]

    def has_fired(self, api):
        with urllib.request.urlopen(f"http://{api}/metrics", timeout=10) as reply:
            return any(line.startswith("ia_alerts_fired_total") and not line.endswith(" 0")
                       for line in reply.read().decode().splitlines())

    # One list of rules, one sender at a time; nothing fires twice.
    def check_alerts(self, apis):
        receiver = WebhookReceiver()
        self.addCleanup(receiver.close)
        rule = self.add_rule(self.apis[0], receiver.url)
        listed = [get_json(f"http://{api}/api/v1/alerts")["items"] for api in self.apis]
        self.assertEqual(listed[0], listed[1])
        self.assertEqual([one["id"] for one in listed[0]], [rule])
        wait_until("alerts are delivered", lambda: len(receiver.alerts()) > 50, 130)
        senders = [api for api in self.apis if self.has_fired(api)]
        self.assertEqual(len(senders), 1)
        other, = (api for api in self.apis if api not in senders)
        apis[senders[0]].kill()
        wait_until("the other one looks", lambda: self.has_fired(other), 130)
        wait_until("all are delivered",
                   lambda: get_json(f"http://{other}/api/v1/alerts/log")["pending"] == 0, 130)
        self.assertEqual(receiver.complaints, [])
        fired = {webhook_id: (message["data"]["influencer"]["id"], message["timestamp"])
                 for webhook_id, message, _ in receiver.alerts()}
        self.assertEqual(len(set(fired.values())), len(fired), "a value fires once")

    def check_every_minute_is_accounted_for(self, begun):
        for row in self.database.ask("SELECT due, stored, missed, closed FROM ia.minutes WHERE"
                                     f" minute > to_timestamp({begun}) AND closed"):
            self.assertEqual(int(row[0]), int(row[1]) + int(row[2]))


if __name__ == "__main__":
    try:
        Postgres(), Fauxqs(MODULES)
    except Missing as missing:
        print(f"SKIPPED: {missing}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
