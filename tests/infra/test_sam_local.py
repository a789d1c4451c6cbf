"""What SAM makes of the template and of ``.local/sam-env.json``, up to the start of a container."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from local_stack.deploy.sam_environment import functions, overrides

SAM = CHECKOUT / ".venvs/sam/bin"
TEMPLATE = CHECKOUT / "infra/template.yaml"
COMMANDS = re.findall(
    r"^(?:\| .+ \| `)?(sam local [^`\n]+)",
    (CHECKOUT / "events/README.md").read_text(),
    re.MULTILINE,
)
CLEAN = {
    "PATH": os.environ["PATH"],
    "HOME": os.environ["HOME"],
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "SAM_CLI_TELEMETRY": "0",
}
# SAM's own classes: the environment that it would give the container.
RESOLVE = """
import json, sys
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
stacks, _ = SamLocalStackProvider.get_stacks(sys.argv[1])
functions = SamFunctionProvider(stacks)
runner = LocalLambdaRunner(None, functions, ".", ".", env_vars_values=json.load(open(sys.argv[2])))
made = {one.name: runner._make_env_vars(one).resolve() for one in functions.get_all()}
print(json.dumps(made))
"""


def test_every_variable_of_the_file_reaches_its_function(tmp_path: Path) -> None:
    template = load(TEMPLATE)
    deployed = {
        function: {name: f"value of {name}" for name in names}
        for function, names in functions(template).items()
    }
    given = overrides(template, deployed)
    file = tmp_path / "sam-env.json"
    file.write_text(json.dumps(given))

    done = subprocess.run(
        [SAM / "python", "-c", RESOLVE, TEMPLATE, file],
        env=CLEAN,
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )

    made = json.loads(done.stdout.splitlines()[-1])
    assert set(made) == set(given)
    for function, variables in given.items():
        assert variables.items() <= made[function].items()
        assert made[function]["AWS_ENDPOINT_URL"] == "value of AWS_ENDPOINT_URL"


def has_container_engine() -> bool:
    docker = shutil.which("docker")
    return bool(docker) and subprocess.run([str(docker), "info"], check=False).returncode == 0


@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[1]], ids=["start-api", "invoke"])
def test_a_command_of_the_readme_is_one_that_sam_takes(command: str, tmp_path: Path) -> None:
    if has_container_engine():
        pytest.skip("there is a container engine: the command would run, and download images")
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/sam-env.json").write_text('{"PredictFunction": {}}')
    for folder in ("events", "infra", "functions", "layers"):
        (tmp_path / folder).symlink_to(CHECKOUT / folder)
    words = shlex.split(command)[1:]

    done = subprocess.run(
        [SAM / "sam", *words, "--template-file", "infra/template.yaml"],
        cwd=tmp_path,
        env=CLEAN,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert "container runtime" in done.stdout + done.stderr, done.stdout + done.stderr
