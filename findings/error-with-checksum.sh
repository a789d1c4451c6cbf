#!/bin/sh
# botocore: an error of S3 that carries a checksum header is a TypeError
#
# Guessed: the header is looked at for successful answers alone; a 404 is `NoSuchKey`.
# Seen: the checksum of the body is taken before the error is parsed, and the parser is handed a stream: TypeError.
# Because of it: nothing. S3 was not seen to send the header with an error; a proxy or an emulator that does is met as this TypeError.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.5 botocore==1.44.5
exec "$folder/venv/bin/python" - <<'PYTHON'
import base64
import http.server
import threading
import zlib

import boto3
import botocore
import botocore.exceptions
from botocore.config import Config

ERROR = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>'
CHECKSUM = base64.b64encode(zlib.crc32(ERROR).to_bytes(4, "big")).decode()


class Missing(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        if self.path.endswith("/with-checksum"):
            self.send_header("x-amz-checksum-crc32", CHECKSUM)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(ERROR)))
        self.end_headers()
        self.wfile.write(ERROR)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Missing)
threading.Thread(target=server.serve_forever, daemon=True).start()
s3 = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{server.server_port}",
    region_name="us-east-1",
    aws_access_key_id="example",
    aws_secret_access_key="example",
    config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
)
print("botocore", botocore.__version__)
seen = {}
for key in ("plain", "with-checksum"):
    try:
        s3.get_object(Bucket="b", Key=key)
    except Exception as error:
        seen[key] = type(error).__name__
        print(f"404 {key}: {type(error).__name__}: {error}")
assert seen == {"plain": "NoSuchKey", "with-checksum": "TypeError"}, "it has changed"
PYTHON
