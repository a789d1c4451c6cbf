#!/bin/sh
# MLflow: a workspace that a server does not have is an error of the server
#
# Guessed: a server without workspaces ignores the header X-MLFLOW-WORKSPACE, or answers 400.
# Seen: every REST call that carries it is 500, with the error code FEATURE_DISABLED: a wrong setting looks like an outage.
# Because of it: the registry client reads the error code before it takes a 5xx for an outage (`housing/registry/mlflow.py`).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "mlflow==3.17.2"
cat > "$folder/workspace.py" <<'PYTHON'
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import mlflow

folder = pathlib.Path(sys.argv[1])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
log = open(folder / "log", "w")
server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
address = f"http://127.0.0.1:{port}"


def asked(headers):
    url = f"{address}/api/2.0/mlflow/experiments/get?experiment_id=0"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error_code"]


print("mlflow", mlflow.__version__)
try:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2)
            break
        except OSError:
            time.sleep(0.5)
    plain, named = asked({}), asked({"X-MLFLOW-WORKSPACE": "team-a"})
finally:
    os.killpg(server.pid, 15)
    server.wait(20)
print("without the header:", plain)
print("with it:", named)
assert plain == (200, None) and named == (500, "FEATURE_DISABLED"), "it has changed"
PYTHON
"$folder/venv/bin/python" "$folder/workspace.py" "$folder"
