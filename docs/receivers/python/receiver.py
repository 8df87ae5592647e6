"""A receiver of gainsay's webhooks: verifies each signature, takes each alert once, answers 204, or 401 to anybody else.

    pip install -r requirements.txt
    WEBHOOK_KEY=whsec_... PORT=8000 python receiver.py

WEBHOOK_KEY is the signing key of the sink: whsec_ (HMAC), or the public key whpk_ of one that signs with ed25519. While keys change,
give it the new one as soon as gainsay signs with both.
"""

import base64
import json
import os
import sys
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

KEY = os.environ["WEBHOOK_KEY"]
BODY_BYTES_MAX = 1 << 20
TOLERANCE_SECONDS = 5 * 60
IDS_KEPT = 100_000


def verify_ed25519(key, body, headers):
    """The official library knows HMAC alone, so ed25519 (v1a) is checked here."""
    timestamp = headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        raise ValueError("the timestamp is too far from now")
    signed = b".".join([headers["webhook-id"].encode(), timestamp.encode(), body])
    for one in headers["webhook-signature"].split(" "):
        version, _, signature = one.partition(",")
        if version == "v1a":
            try:
                return key.verify(base64.b64decode(signature), signed)
            except Exception:
                continue  # Perhaps another key's: the list has one signature of each.
    raise ValueError("no signature fits")


if KEY.startswith("whpk_"):
    PUBLIC = Ed25519PublicKey.from_public_bytes(base64.b64decode(KEY.removeprefix("whpk_")))
    verify = lambda body, headers: verify_ed25519(PUBLIC, body, headers)
else:
    verify = Webhook(KEY).verify

# What was taken. A receiver that must not act twice keeps the ids where it keeps what it does, in one transaction.
seen, lock = OrderedDict(), Lock()


def take(alert_id, body):
    with lock:
        is_new = alert_id not in seen
        seen[alert_id] = None
        while len(seen) > IDS_KEPT:
            seen.popitem(last=False)
        if is_new:
            print(alert_id, json.loads(body)["type"], flush=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            verify(body, headers)
        except Exception as error:  # Whatever a stranger sends, it is not from gainsay.
            print("refused:", error, file=sys.stderr, flush=True)
            return self.answer(401)
        take(headers["webhook-id"], body)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver).serve_forever()
