#!/bin/sh
# MLflow: a missing artifact is 404 or 500, by where artifacts lie
#
# Guessed: a tracking server that serves artifacts answers 404 for a file that is not there.
# Seen: 404 where they lie in a folder; 500 where they lie in S3, as for an outage of S3.
# Because of it: after a 500 the registry client lists the run's files: an empty list is a missing file.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "mlflow==3.17.2" "moto[server,s3]==5.2.3" boto3==1.44.5
cat > "$folder/missing.py" <<'PYTHON'
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import mlflow
from moto.server import ThreadedMotoServer

folder = pathlib.Path(sys.argv[1])
os.environ |= {"AWS_ACCESS_KEY_ID": "example", "AWS_SECRET_ACCESS_KEY": "example", "AWS_DEFAULT_REGION": "us-east-1"}
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
storage = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
storage.start()
endpoint = "http://{}:{}".format(*storage.get_host_and_port())
os.environ["MLFLOW_S3_ENDPOINT_URL"] = endpoint
boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="artifacts")


def status_of_missing(destination, name):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = f"sqlite:///{folder / name}.db"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--serve-artifacts", "--artifacts-destination", destination]
    log = open(folder / f"{name}.log", "w")
    server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=2)
                break
            except OSError:
                time.sleep(0.5)
        url = f"{address}/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts/model.onnx"
        try:
            return urllib.request.urlopen(url, timeout=60).status
        except urllib.error.HTTPError as error:
            return error.code
    finally:
        os.killpg(server.pid, 15)
        server.wait(20)


import logging

logging.getLogger("werkzeug").setLevel(logging.ERROR)
print("mlflow", mlflow.__version__)
seen = {
    "a folder": status_of_missing(str(folder / "artifacts"), "folder"),
    "S3": status_of_missing("s3://artifacts/mlflow", "s3"),
}
for where, status in seen.items():
    print(f"artifacts in {where}: a file that is not there is {status}")
storage.stop()
assert seen == {"a folder": 404, "S3": 500}, "it has changed"
PYTHON
"$folder/venv/bin/python" "$folder/missing.py" "$folder"
