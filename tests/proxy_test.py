"""The API behind nginx with TLS, as deploy/nginx/influencer-analytics.conf has it.

usage: proxy_test.py PROGRAM

Skipped without nginx or openssl. Clients are told apart by their addresses: 127.0.0.2, 127.0.0.3
and so on reach nginx, which listens on 127.0.0.1, as other machines would.
"""

import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

from servers import free_port
from waiting import wait_until

CONFIG = pathlib.Path(__file__).resolve().parent.parent / "deploy/nginx/influencer-analytics.conf"
NAME = "ia.example.org"
TOKEN = "a-token-of-the-test"
RULE = json.dumps({"name": "r", "kind": "rank", "direction": "enters", "rank": 1,
                   "influencers": [1], "url": "https://hooks.example/x"})
PATIENCE = 30
PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""


def nginx():
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Proxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="ia-proxy-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.api, cls.http, cls.https = free_port(), free_port(), free_port()
        cls.log = cls.directory / "api.log"
        cls.make_certificate()
        cls.start_api()
        cls.start_nginx()
        cls.tls = ssl.create_default_context(cafile=str(cls.directory / "fullchain.pem"))
        wait_until("nginx and the API answer", lambda: cls.ask(
            "GET", "/api/v1/summary", client="127.0.0.8").status == 200, PATIENCE)

    @classmethod
    def make_certificate(cls):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout",
             cls.directory / "privkey.pem", "-out", cls.directory / "fullchain.pem"],
            check=True, capture_output=True)

    @classmethod
    def start(cls, command, log, **more):
        with open(log, "wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file, **more)
        cls.addClassCleanup(process.wait, PATIENCE)
        cls.addClassCleanup(process.terminate)

    @classmethod
    def start_api(cls):
        environment = {**os.environ, "IA_API_TOKEN": TOKEN}
        cls.start([PROGRAM, "demo", "--influencers", "1-20", "--data-dir", cls.directory / "data",
                   "--mockstagram-listen", f"127.0.0.1:{free_port()}",
                   "--listen", f"127.0.0.1:{cls.api}", "--allowed-hosts", NAME,
                   "--trusted-proxies", "127.0.0.1", "--api-rate-limit", "20"],
                  cls.log, env=environment)

    @classmethod
    def start_nginx(cls):
        site = CONFIG.read_text()
        for old, new in ((f"/etc/letsencrypt/live/{NAME}", str(cls.directory)),
                         ("127.0.0.1:8080", f"127.0.0.1:{cls.api}"),
                         ("listen [::]:80;", ""), ("listen [::]:443 ssl;", ""),
                         ("listen 80;", f"listen 127.0.0.1:{cls.http};"),
                         ("listen 443 ssl;", f"listen 127.0.0.1:{cls.https} ssl;")):
            assert old in site, old
            site = site.replace(old, new)
        (cls.directory / "site.conf").write_text(site)
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(f"{kind}_temp_path {cls.directory}/{kind};\n" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (cls.directory / "nginx.conf").write_text(
            f"{user} daemon off; worker_processes 1; pid {cls.directory}/nginx.pid;\n"
            f"error_log {cls.directory}/nginx.log;\nevents {{}}\n"
            f"http {{ access_log off;\n{temporary} include site.conf; }}\n")
        cls.start([nginx(), "-p", cls.directory, "-c", "nginx.conf", "-e",
                   cls.directory / "nginx.log"], cls.directory / "nginx.out")

    @classmethod
    def connect(cls, client="127.0.0.2"):
        raw = socket.create_connection(("127.0.0.1", cls.https), PATIENCE, (client, 0))
        connection = http.client.HTTPConnection(NAME, timeout=PATIENCE)
        connection.sock = cls.tls.wrap_socket(raw, server_hostname=NAME)
        return connection

    # Returns the reply with its body read.
    @classmethod
    def ask(cls, method, path, body=None, client="127.0.0.2", **fields):
        connection = cls.connect(client)
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        reply.text = reply.read().decode()
        connection.close()
        return reply

    def change(self, method, path, body=None, **fields):
        return self.ask(method, path, body, client="127.0.0.9", Content_Type="application/json",
                        Authorization=f"Bearer {TOKEN}", **fields)

    def test_reads_come_through_under_the_own_name_only(self):
        self.assertEqual(self.ask("GET", "/api/v1/summary").status, 200)
        refused = self.ask("GET", "/api/v1/summary", Host="evil.example")
        self.assertEqual(refused.status, 403)
        self.assertIn("--allowed-hosts", refused.text)

    def test_plain_http_is_sent_to_tls(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=PATIENCE)
        connection.request("GET", "/a?b", headers={"Host": NAME})
        reply = connection.getresponse()
        self.assertEqual(reply.status, 301)
        self.assertEqual(reply.headers["Location"], f"https://{NAME}/a?b")
        connection.close()

    def test_the_rate_of_each_client_is_limited_whatever_it_says_of_itself(self):
        statuses = [self.ask("GET", "/healthz", client="127.0.0.3",
                             X_Forwarded_For=f"192.0.2.{i}").status for i in range(80)]
        self.assertIn(429, statuses)
        self.assertEqual(self.ask("GET", "/healthz", client="127.0.0.4").status, 200)

    def test_wrong_tokens_slow_down_their_client_and_are_logged_with_its_address(self):
        def guess(client):
            return self.ask("POST", "/api/v1/alerts", RULE, client=client,
                            Content_Type="application/json",
                            Authorization="Bearer not-the-right-token").status
        statuses = [guess("127.0.0.5") for _ in range(15)]
        self.assertEqual(statuses[0], 401)
        self.assertIn(429, statuses)
        self.assertEqual(guess("127.0.0.6"), 401)
        wait_until("the log has a line",
                   lambda: "address=127.0.0.5" in self.log.read_text(), PATIENCE)

    def test_rules_are_made_and_changed_by_one_editor_at_a_time(self):
        made = self.change("POST", "/api/v1/alerts", RULE)
        self.assertEqual(made.status, 201, made.text)
        path = made.headers["Location"]
        tag = self.ask("GET", path, client="127.0.0.9").headers["ETag"]
        self.assertEqual(self.change("PUT", path, RULE, If_Match=tag).status, 200)
        self.assertEqual(self.change("PUT", path, RULE, If_Match=tag).status, 412)
        self.assertEqual(self.change("DELETE", path, If_Match=tag).status, 412)
        self.assertEqual(self.change("DELETE", path).status, 204)

    def test_a_chunked_body_that_waits_to_be_asked_for_comes_through(self):
        connection = self.connect("127.0.0.9")
        size = f"{len(RULE):x}\r\n".encode()
        connection.sock.sendall(
            b"POST /api/v1/alerts HTTP/1.1\r\nHost: " + NAME.encode() +
            b"\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nAuthorization: Bearer "
            + TOKEN.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.assertTrue(connection.sock.recv(4096).startswith(b"HTTP/1.1 100 "))
        connection.sock.sendall(size + RULE.encode() + b"\r\n0\r\nHost: evil.example\r\n\r\n")
        self.assertTrue(connection.sock.recv(4096).startswith(b"HTTP/1.1 201 "))
        connection.close()

    def test_events_come_through_one_by_one(self):
        connection = self.connect("127.0.0.7")
        connection.request("GET", "/api/v1/stream")
        reply = connection.getresponse()
        self.assertEqual(reply.headers["Content-Type"], "text/event-stream")
        self.assertIn(b"event: ", reply.readline() + reply.readline() + reply.readline())
        connection.close()


if __name__ == "__main__":
    if not nginx() or not shutil.which("openssl"):
        print("SKIPPED: there is no nginx or no openssl; apt-get install nginx openssl")
        sys.exit(77)
    unittest.main()
