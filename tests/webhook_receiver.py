"""A receiver of webhooks, for tests: checks their signatures, answers what the test says."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def signed(text):
    return hmac.new(KEY, text.encode(), hashlib.sha256)


class WebhookReceiver:
    def __init__(self):
        self.status = 204
        self.received = []  # (webhook-id, message, time, status that was answered)
        self.complaints = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.receive(self.headers, body)
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key=hidden"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, headers, body):
        webhook_id, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
        digest = signed(f"{webhook_id}.{sent_at}.{body}").digest()
        if headers["webhook-signature"] != "v1," + base64.b64encode(digest).decode():
            self.complaints.append("webhook-signature")
        if headers["X-IA-Signature"] != "sha256=" + signed(f"{sent_at}.{body}").hexdigest():
            self.complaints.append("X-IA-Signature")
        self.received.append((webhook_id, json.loads(body), time.time(), self.status))

    # The messages that were taken, without tests.
    def alerts(self):
        return [(webhook_id, message, at) for webhook_id, message, at, status in self.received
                if status < 300 and message["type"] != "alert.test"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
