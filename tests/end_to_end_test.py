"""The real binary and the simulator as processes, over HTTP: three real minutes.

usage: end_to_end_test.py PROGRAM
"""

import csv
import datetime
import functools
import http.client
import io
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import waiting
from servers import free_port
from waiting import get, get_json
from webhook_receiver import SECRET, WebhookReceiver

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "influencer-analytics"
FIRST, COUNT = 1_000_000, 3_000
wait_until = functools.partial(
    waiting.wait_until, passing=(OSError, AssertionError, http.client.HTTPException))


class Process:
    def __init__(self, *arguments):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([PROGRAM, *arguments], stdout=self.log, stderr=self.log)

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self, sent=signal.SIGTERM, seconds=30):
        self.process.send_signal(sent)
        return self.process.wait(seconds)

    def kill_if_running(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()


def run_once(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)


class EndToEnd(unittest.TestCase):
    def setUp(self):
        self.processes = []
        self.directory = tempfile.TemporaryDirectory()
        self.data = pathlib.Path(self.directory.name, "data")
        self.network = f"127.0.0.1:{free_port()}"
        self.api = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.api}"

    def tearDown(self):
        for process in self.processes:
            process.kill_if_running()
        self.directory.cleanup()

    def start(self, *arguments):
        process = Process(*arguments)
        self.processes.append(process)
        return process

    def start_network(self, *faults):
        process = self.start("mockstagram", "--mockstagram-listen", self.network, "--influencers",
                             f"{FIRST}-{FIRST + COUNT - 1}", *faults)
        wait_until("the simulator answers", lambda: get(f"http://{self.network}/")[0] == 404)
        return process

    def start_program(self, *more, until="/readyz"):
        process = self.start("run", "--mockstagram-url", f"http://{self.network}",
                             "--influencers", f"{FIRST}-{FIRST + COUNT - 1}", "--shard-size", "100",
                             "--data-dir", str(self.data), "--listen", self.api, *more)
        wait_until("the program is ready", lambda: get(self.url + until)[0] == 200)
        return process

    def stored_now(self):
        minutes = get_json(self.url + "/api/v1/minutes")["items"]
        return sum(minute["stored"] for minute in minutes)

    def minute(self, begin):
        rows = get_json(f"{self.url}/api/v1/minutes?start={begin}&end={begin + 60}")["items"]
        assert rows, f"nothing of {begin} yet"
        return rows[0]

    # A machine that stands still for seconds, as shared ones do, may cost a minute some points.
    def wait_for_complete_minute(self, skipped=0):
        first = (int(time.time()) // 60 + 1 + skipped) * 60
        for minute in (first, first + 60, first + 120):
            wait_until("a whole minute is over", lambda: time.time() > minute + 61, 200)
            try:
                wait_until("it is complete", lambda: self.minute(minute)["stored"] == COUNT, 20)
                return minute
            except AssertionError as error:
                print(f"{minute} is not complete: {error}")
        raise AssertionError("not one of three minutes in a row is complete")

    # A kill -9 in the middle of the work, a second start, then a whole minute without a gap.
    def test_survives_kill_9_and_then_misses_nothing(self):
        self.start_network()
        program = self.start_program()
        wait_until("points are stored", lambda: self.stored_now() > 0, 90)
        before = self.stored_now()
        program.stop(signal.SIGKILL)
        program = self.start_program()
        self.assertGreaterEqual(self.stored_now(), before, "what was served before is still there")

        refused = run_once("sink", "--data-dir", str(self.data))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("use", refused.stderr)

        whole = self.wait_for_complete_minute()
        row = self.minute(whole)
        self.assertEqual(row["due"], COUNT)
        self.assertEqual(sum(row["missed"].values()), 0)
        self.assertEqual(row["repeats"], 0)

        self.check_answers(whole)
        served = [item for item in get_json(self.url + "/api/v1/leaderboard?limit=1000")["items"]
                  if item["verdict"]]
        # An open minute is not exported.
        wait_until("the minute is closed", lambda: self.minute(whole)["closed"], 60)
        self.assertEqual(program.stop(), 0, program.output())
        self.check_export(whole, served)

    def check_answers(self, whole):
        summary = get_json(self.url + "/api/v1/summary")
        self.assertEqual(summary["with_value"], COUNT)
        seen = get_json(f"{self.url}/influencer_analytics/{FIRST}"
                        f"?start_time={whole}&end_time={whole + 59.9}")
        self.assertTrue(seen["success"])
        self.assertEqual(len(seen["data"]), 1)
        minute_ms, followers, following, ratio = seen["data"][0]
        self.assertEqual(minute_ms, whole * 1000)
        self.assertGreaterEqual(followers, 5_000)
        self.assertGreaterEqual(following, 50)
        self.assertAlmostEqual(ratio, followers / following, places=3)

        page = get_json(self.url + "/api/v1/leaderboard?limit=1000")
        followers = [item["follower_count"] for item in page["items"]]
        self.assertEqual(followers, sorted(followers, reverse=True))
        one = page["items"][0]
        latest = get_json(f"{self.url}/api/v1/influencers/{one['id']}")
        self.assertEqual(latest["of"], COUNT)
        self.assertEqual(get(self.url + "/api/v1/influencers/5")[0], 404)

    # `served`: who had a verdict; nobody's is due again within this test.
    def check_export(self, whole, served):
        exported = run_once("export", "--data-dir", str(self.data), "--influencer", str(FIRST),
                            "--start", str(whole), "--end", str(whole + 60))
        self.assertEqual(exported.returncode, 0, exported.stderr)
        rows = list(csv.DictReader(io.StringIO(exported.stdout)))
        self.assertEqual(len(rows), 1)
        self.assertEqual(rows[0]["influencer_id"], str(FIRST))
        exported = run_once("export", "--data-dir", str(self.data), "--what", "verdicts",
                            "--influencers", f"{FIRST}-{FIRST + COUNT - 1}")
        self.assertEqual(exported.returncode, 0, exported.stderr)
        rows = {row["influencer_id"]: row for row in csv.DictReader(io.StringIO(exported.stdout))}
        self.assertGreater(len(served), 0)
        for item in served:
            row = rows[str(item["id"])]
            self.assertEqual(row["suspicious"], str(item["verdict"]["suspicious"]).lower())
            self.assertEqual(row["checked_at"][:16], item["verdict"]["checked_at"][:16])

    # Every fault at once: others are unharmed, everybody is accounted for.
    def test_accounts_for_everybody_when_the_network_misbehaves(self):
        self.start_network("--fault-error-rate", "0.02", "--fault-truncate-rate", "0.02",
                           "--fault-wrong-id-rate", "0.02", "--fault-close-rate", "0.02",
                           "--fault-malformed-rate", "0.02", "--fault-extra-bytes-rate", "0.02",
                           "--fault-redirect-rate", "0.01", "--fault-latency", "uniform:1ms-20ms")
        program = self.start_program("--request-timeout", "2s")
        whole = (int(time.time()) // 60 + 1) * 60
        wait_until("a whole minute is closed",
                   lambda: time.time() > whole + 60 and self.minute(whole)["open"] == 0, 150)
        row = self.minute(whole)
        self.assertEqual(row["due"], COUNT)
        self.assertEqual(row["stored"] + sum(row["missed"].values()), COUNT)
        self.assertGreater(row["stored"], COUNT * 0.95)
        self.assertGreater(sum(row["missed"].values()), 0)
        self.assertEqual(program.stop(signal.SIGINT), 0, program.output())

    # Each stage a process of its own; the two that hold work are killed. What is served in the end
    # was answered by the network, in that minute.
    def test_runs_each_stage_as_a_process_of_its_own(self):
        self.start_network("--simulator-answers-kept", "100000")
        where = ["--data-dir", str(self.data)]
        seeded = run_once("seed", *where, "--influencers", f"{FIRST}-{FIRST + COUNT - 1}",
                          "--shard-size", "100")
        self.assertEqual(seeded.returncode, 0, seeded.stderr)
        fetch = ["fetch", *where, "--mockstagram-url", f"http://{self.network}"]
        self.start("api", *where, "--listen", self.api)
        sink, fetcher = self.start("sink", *where), self.start(*fetch)
        wait_until("points are served", lambda: self.stored_now() > 0, 90)
        sink.stop(signal.SIGKILL)
        fetcher.stop(signal.SIGKILL)
        sink, fetcher = self.start("sink", *where), self.start(*fetch)

        # What the killed one had taken comes back when its visibility ends, so not the next minute.
        whole = self.wait_for_complete_minute(skipped=1)
        for influencer in range(FIRST, FIRST + COUNT, 37):
            self.check_was_answered(influencer, whole)
        for process in (fetcher, sink):
            self.assertEqual(process.stop(), 0, process.output())

    def answered(self, influencer, begin, end):
        answers = get_json(f"http://{self.network}/simulator/answers?pk={influencer}")["answers"]
        return {(followers, following) for at, followers, following in answers
                if begin * 1000 <= at < end * 1000}

    def check_was_answered(self, influencer, minute):
        answered = self.answered(influencer, minute, minute + 60)
        seen = get_json(f"{self.url}/influencer_analytics/{influencer}"
                        f"?start_time={minute}&end_time={minute + 59.9}")["data"]
        self.assertEqual(len(seen), 1)
        self.assertIn(tuple(seen[0][1:3]), answered)

    # A machine that is suspended, as laptops and virtual machines are: replies that had arrived
    # before are read after it, and belong to no minute of then.
    def test_files_no_answer_under_a_later_minute_after_it_stood_still(self):
        self.start_network("--simulator-answers-kept", "100000", "--latency", "2s")
        program = self.start_program()
        wait_until("points are stored", lambda: self.stored_now() > 0, 90)
        frozen = int(time.time()) // 60 * 60 + 60
        wait_until("it is in the middle of a minute", lambda: time.time() > frozen + 45, 120)
        program.process.send_signal(signal.SIGSTOP)
        wait_until("a new minute has begun", lambda: time.time() > frozen + 70, 60)
        program.process.send_signal(signal.SIGCONT)
        wait_until("the next minute is closed",
                   lambda: self.minute(frozen + 60)["closed"], 120)

        ids = range(FIRST, FIRST + COUNT, 5)
        seen = 0
        for influencer in ids:
            points = get_json(f"{self.url}/influencer_analytics/{influencer}"
                              f"?start_time={frozen}&end_time={frozen + 119.9}")["data"]
            for at, followers, following, _ in points:
                minute = at // 60_000 * 60
                seen += 1
                # On the way for a moment, but not for as long as it stood still.
                self.assertIn((followers, following),
                              self.answered(influencer, minute - 5, minute + 60), (influencer, at))
        self.assertGreater(seen, len(ids))
        self.assertEqual(program.stop(), 0, program.output())

    def test_says_what_is_wrong_and_what_to_do(self):
        def expect(code, *arguments, said):
            done = run_once(*arguments)
            self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
            for text in said:
                self.assertIn(text, done.stdout + done.stderr, arguments)

        expect(2, "run", "--influencerz", "1-2", said=["--influencerz", "--influencers", "--help"])
        expect(2, "rnu", said=["rnu", "run"])
        expect(2, "run", "--influencers", "9-1", "--shard-size", "0", said=["9-1", "shard"])
        config = pathlib.Path(self.directory.name, "config.toml")
        config.write_text('shard_sise = 10\nlisten = "nowhere"\n')
        expect(2, "check-config", "--config", str(config), said=["shard_sise", "nowhere"])
        expect(1, "export", "--data-dir", str(self.data), "--influencer", "7",
               said=[str(self.data)])
        self.assertFalse(self.data.exists())
        expect(1, "doctor", "--data-dir", str(self.data), "--mockstagram-url",
               f"http://{self.network}", said=["FAIL", "does not answer", self.network])

        self.start_network()
        expect(0, "doctor", "--data-dir", str(self.data), "--listen", "127.0.0.1:0",
               "--mockstagram-url", f"http://{self.network}", said=[f"{self.network} answers"])

        self.data.mkdir()
        (self.data / "store.version").write_text("influencer-analytics store 99\n")
        expect(1, "sink", "--data-dir", str(self.data), said=["99", "newer"])
        (self.data / "store.version").unlink()

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            expect(1, "api", "--data-dir", str(self.data), "--listen", address,
                   said=[address, "use"])

    # As when the disk is nearly full: nothing is fetched, what is there is served.
    def test_pauses_while_the_disk_is_nearly_full(self):
        self.start_network()
        program = self.start_program("--min-free-bytes", "16TiB", until="/openapi.json")
        wait_until("it says so", lambda: "free" in program.output(), 20)
        self.assertIn("--min-free-bytes", get(self.url + "/readyz")[1])
        self.assertEqual(self.stored_now(), 0)
        asked = get_json(f"http://{self.network}/simulator/stats")["by_status"]
        self.assertEqual(asked, {"404": 1}, "nothing but the look whether it is there")
        self.assertEqual(program.stop(), 0, program.output())

    def change(self, method, path, content, token="a-token-of-the-test"):
        request = urllib.request.Request(self.url + path, json.dumps(content).encode(), {
            "Content-Type": "application/json", "Authorization": f"Bearer {token}"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return reply.status, json.loads(reply.read() or "null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def value_of(self, influencer):
        return get_json(f"{self.url}/api/v1/influencers/{influencer}")

    # Of the two rules at least one fires with the next value that differs, and each fires once at
    # most: it would have to come back to where no count of the network goes.
    def add_crossing_rules(self, url, influencer):
        level = self.value_of(influencer)["follower_count"]
        for direction in ("above", "below"):
            status, rule = self.change("POST", "/api/v1/alerts", {
                "name": direction, "kind": "threshold", "direction": direction, "value": level,
                "hysteresis": level if direction == "above" else 10**12,
                "influencers": [influencer], "url": url, "secret": SECRET})
            self.assertEqual(status, 201, rule)
        return rule

    # The receiver is away when the rule fires, and the program is killed meanwhile.
    def test_an_alert_is_delivered_once_whatever_happens(self):
        self.start_network()
        receiver = WebhookReceiver()
        self.addCleanup(receiver.close)
        settings = ("--alert-allow-private", "on", "--api-token", "a-token-of-the-test")
        program = self.start_program(*settings)
        best = f"{self.url}/api/v1/leaderboard?limit=1"
        wait_until("a value is there", lambda: get_json(best)["items"], 90)
        influencer = get_json(best)["items"][0]["id"]
        self.assertEqual(self.change("POST", "/api/v1/alerts", {}, token="another one")[0], 401)
        rule = self.add_crossing_rules(receiver.url, influencer)

        status, tested = self.change("POST", f"/api/v1/alerts/{rule['id']}/test", {})
        self.assertEqual((status, tested["outcome"]), (200, "delivered"), tested)
        receiver.status = 500
        wait_until("the rule fires", lambda: len(receiver.received) >= 2, 90)
        _, message, received_at, _ = receiver.received[1]
        self.assertEqual(message["type"], "alert.threshold")
        retrieved = datetime.datetime.fromisoformat(message["timestamp"]).timestamp()
        self.assertLess(received_at - retrieved, 60, "before the next value")
        program.stop(signal.SIGKILL)

        receiver.status = 204
        program = self.start_program(*settings)
        wait_until("it is delivered", receiver.alerts, 60)
        self.assertEqual(receiver.alerts()[0][0], receiver.received[1][0], "the id stays")
        known = self.value_of(influencer)["retrieved_at"]
        wait_until("the next value is there",
                   lambda: self.value_of(influencer)["retrieved_at"] != known, 90)
        time.sleep(5)  # nothing is to come: there is nothing to wait for
        names = [message["data"]["rule"]["name"] for _, message, _ in receiver.alerts()]
        self.assertEqual(sorted(names), sorted(set(names)), "each rule fired once")
        self.assertEqual(receiver.complaints, [])
        self.check_nothing_is_told(receiver, program)

    def check_nothing_is_told(self, receiver, program):
        log = get_json(self.url + "/api/v1/alerts/log")
        self.assertEqual(log["pending"], 0)
        self.assertEqual(len(log["items"]), len(receiver.alerts()))
        self.assertIn("ia_alert_deliveries_total", get(self.url + "/metrics")[1])
        told = json.dumps([log, get_json(self.url + "/api/v1/alerts")]) + program.output()
        told += (self.data / "api.lock").read_text()
        for secret in ("hidden", SECRET, "a-token-of-the-test"):
            self.assertNotIn(secret, told)
        self.assertEqual(program.stop(), 0, program.output())

    # Nobody asked for that: this machine's own services are not to be reached through us.
    def test_no_alert_goes_to_a_private_address_by_default(self):
        self.start_network()
        receiver = WebhookReceiver()
        self.addCleanup(receiver.close)
        content = {"name": "x", "kind": "rank", "direction": "enters", "rank": 1,
                   "influencers": [FIRST], "url": receiver.url}
        program = self.start_program("--alert-allow-private", "on", "--api-token",
                                     "a-token-of-the-test", until="/openapi.json")
        status, rule = self.change("POST", "/api/v1/alerts", content)
        self.assertEqual(status, 201, rule)
        self.assertEqual(program.stop(), 0, program.output())
        program = self.start_program()
        status, refused = self.change("POST", "/api/v1/alerts", content)
        self.assertEqual(status, 400, refused)
        self.assertIn("--alert-allow-private", json.dumps(refused))
        status, tested = self.change("POST", f"/api/v1/alerts/{rule['id']}/test", {})
        self.assertEqual((status, tested["outcome"]), (200, "refused"), tested)
        self.assertIn("--alert-allow-private", tested["detail"])
        self.assertEqual(receiver.received, [])
        self.assertEqual(program.stop(), 0, program.output())


if __name__ == "__main__":
    unittest.main(verbosity=2)
