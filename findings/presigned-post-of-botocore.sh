#!/bin/sh
# botocore: a presigned POST names S3's global host, is signed by the old signature where an endpoint is given, and fires CreateBucket's event
#
# Guessed: a client with a region and Signature Version 4 hands out a form for the region's host, signed by version 4, and no other operation is involved.
# Seen: the host is the global one in every region, from which S3 redirects, and a browser does not follow the redirect of a form to another origin;
# `addressing_style: virtual` gives the region's. With `endpoint_url` and no `signature_version` the form has version 2's fields
# (AWSAccessKeyId, signature). An event handler sees `provide-client-params.s3.CreateBucket`.
# Because of it: the grants of uploads set both (functions/predict/admin/upload_grants.py), the recorder of calls in the tests passes over presigning.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.5 botocore==1.44.5
exec "$folder/venv/bin/python" - <<'PYTHON'
from urllib.parse import urlsplit

import boto3
import botocore
from botocore.config import Config


def form(seen=None, **options):
    client = boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id="example",
        aws_secret_access_key="example",
        **options,
    )
    if seen is not None:
        client.meta.events.register(
            "provide-client-params.s3.*", lambda event_name, **_: seen.append(event_name)
        )
    answer = client.generate_presigned_post("example-bucket", "new_data/table.csv")
    version = "4" if "x-amz-signature" in answer["fields"] else "2"
    return urlsplit(answer["url"]).hostname, version


events = []
seen = {
    "version 4": form(config=Config(signature_version="s3v4")),
    "version 4, virtual": form(
        events, config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    ),
    "an endpoint, no version": form(endpoint_url="http://127.0.0.1:9"),
    "an endpoint, version 4": form(
        endpoint_url="http://127.0.0.1:9", config=Config(signature_version="s3v4")
    ),
}
print("boto3", boto3.__version__, "botocore", botocore.__version__)
for name, (host, version) in seen.items():
    print(f"{name}: {host}, signature version {version}")
print("events:", events)
assert seen == {
    "version 4": ("example-bucket.s3.amazonaws.com", "4"),
    "version 4, virtual": ("example-bucket.s3.eu-west-1.amazonaws.com", "4"),
    "an endpoint, no version": ("127.0.0.1", "2"),
    "an endpoint, version 4": ("127.0.0.1", "4"),
}, "it has changed"
assert events == ["provide-client-params.s3.CreateBucket"], "it has changed"
PYTHON
