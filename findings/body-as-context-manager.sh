#!/bin/sh
# botocore: a body as a context manager is the raw stream
#
# Guessed: `with answer["Body"] as body` gives the same body, which checks the length at its end.
# Seen: it gives urllib3's response. Read in blocks, a connection that ends half-way looks like the end of the file.
# Because of it: `housing/s3/bodies.py` closes bodies with `contextlib.closing` and checks length and checksum.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.5 botocore==1.44.5 urllib3==2.8.0
exec "$folder/venv/bin/python" - <<'PYTHON'
import http.server
import threading
from contextlib import closing

import boto3
import botocore
import botocore.exceptions
from botocore.config import Config

CONTENT = b"a row of a file\n" * 250


class HalfWay(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2])
        self.close_connection = True

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HalfWay)
threading.Thread(target=server.serve_forever, daemon=True).start()
s3 = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{server.server_port}",
    region_name="us-east-1",
    aws_access_key_id="example",
    aws_secret_access_key="example",
    config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
)


def length(body):
    return sum(len(block) for block in iter(lambda: body.read(512), b""))


print("botocore", botocore.__version__)
with s3.get_object(Bucket="b", Key="k")["Body"] as body:
    seen = length(body)
    print(f"with: {type(body).__module__}.{type(body).__name__}, {seen} of {len(CONTENT)} bytes, no error")
assert seen == len(CONTENT) // 2, "the context manager checks the length now"
try:
    with closing(s3.get_object(Bucket="b", Key="k")["Body"]) as body:
        length(body)
except botocore.exceptions.IncompleteReadError as error:
    print("contextlib.closing:", type(error).__name__)
else:
    raise SystemExit("the body itself no longer checks its length")
PYTHON
