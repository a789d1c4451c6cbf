"""Stages deployed to a local endpoint of the tests' own, by the program that deploys to AWS.

Only the packages differ: their functions run in this machine's own environment.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from housing.api_keys import Scope
from housing.schema import FEATURES
from housing_ops.checkout import CHECKOUT
from housing_ops.key_ring import KeyRing
from housing_ops.template import load
from integration.running_stack import inherited, wait_for
from local_stack.deploy.packaging import package
from local_stack.services.catalogue import aws_environment
from local_stack.settings import StackSettings

STAGE = "local"
COMMAND_SECONDS = 240
UNKNOWN_YET = 401
EXAMPLE = {column.name: column.example for column in FEATURES}
_CODE = ("CodeUri", "ContentUri")


def build(folder: Path, settings: StackSettings, values: dict[str, str]) -> Path:
    """Build as ``sam build`` does, a folder for each function and layer; return the template.

    Args:
        folder: Where to.
        settings: Of the local endpoint.
        values: Of parameters, as defaults: MiniStack hands none to SAM's translator.
    """
    source = load(CHECKOUT / "infra/template.yaml")
    template, packages = package(source, bucket="b", python=settings.functions_python)
    contents = {made.key: made.content for made in packages}
    for name, resource in template["Resources"].items():
        for field in _CODE:
            if field in resource["Properties"]:
                key = resource["Properties"][field].rpartition("/")[2]
                _unpack(contents[key], folder / name)
                resource["Properties"][field] = name
    for name, value in values.items():
        template["Parameters"][name]["Default"] = value
    return write(folder, template)


def write(folder: Path, template: dict[str, Any]) -> Path:
    built = folder / "template.yaml"
    built.write_text(json.dumps(template))
    return built


def _unpack(content: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
        for entry in archive.infolist():
            (folder / entry.filename).chmod(entry.external_attr >> 16)


@dataclass(frozen=True)
class Deployments:
    """One stack on the endpoint, and the program that changes it."""

    settings: StackSettings
    stack_name: str
    folder: Path
    parameters: dict[str, str]

    def run(self, command: str, **answers: str) -> subprocess.CompletedProcess[str]:
        """Run ``infra/deploy COMMAND`` as the Makefile does, with nobody to ask."""
        environment = {
            **aws_environment(self.settings),
            **inherited(),
            "HOME": str(self.folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "STAGE": STAGE,
            "SAMCONFIG": str(self._config()),
            "TESTS": "skip",
            "SMOKE_SECONDS": "10",
        }
        return subprocess.run(
            [sys.executable, "-m", "housing_deploy", command],
            env=environment | answers,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def _config(self) -> Path:
        overrides = " ".join(f"{name}={value}" for name, value in self.parameters.items())
        config = self.folder / "samconfig.toml"
        config.write_text(
            f'version = 0.1\n[{STAGE}.deploy.parameters]\nstack_name = "{self.stack_name}"\n'
            f's3_prefix = "{self.stack_name}"\nparameter_overrides = "{overrides}"\n'
        )
        return config

    def client(self, service: str) -> Any:
        variables = aws_environment(self.settings)
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_DEFAULT_REGION"],
            config=Config(s3={"addressing_style": "path"}),
        )

    @property
    def status(self) -> str | None:
        """Return the stack's state; None where there is none."""
        cloudformation = self.client("cloudformation")
        stacks = cloudformation.list_stacks()["StackSummaries"]
        states = [one["StackStatus"] for one in stacks if one["StackName"] == self.stack_name]
        return next((state for state in states if state != "DELETE_COMPLETE"), None)

    @property
    def outputs(self) -> dict[str, str]:
        [stack] = self.client("cloudformation").describe_stacks(StackName=self.stack_name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    @property
    def key_ring(self) -> KeyRing:
        return KeyRing(
            secrets=self.client("secretsmanager"),
            gateway=self.client("apigateway"),
            secret_id=self.outputs["ApiKeysSecretArn"],
            usage_plan_id=self.outputs["UsagePlanId"],
        )

    def price(self) -> float:
        """Ask the API for a price, with a key of its own."""
        made = self.key_ring.create(Scope.PREDICT)
        url = f"{self.settings.aws_url}/restapis/{self.outputs['ApiId']}/{STAGE}/_user_request_"

        def answered() -> httpx.Response | None:
            headers = {"x-api-key": made.key}
            answer = httpx.post(f"{url}/predict", json=EXAMPLE, headers=headers, timeout=30)
            return None if answer.status_code == UNKNOWN_YET else answer

        answer = wait_for(answered)
        self.key_ring.revoke(made.id)
        return float(answer.raise_for_status().json()["price_usd"])
