#!/bin/sh
# SAM's builder for Python: files and folders of the source are left out of the package by their names
#
# Guessed: `sam build` copies all of a function's or layer's source but bytecode and version control.
# Seen: a shared library (*.so) is left out, and so is a folder of that source named env, venv or .cache, at any depth,
# without a warning: the build succeeds, and the function fails where it imports or loads them.
# Because of it: `infra/build` copies the library of trees after `sam build`, and `tests/infra/test_sizes.py` looks for it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "aws-lambda-builders==1.67.0"
cat > "$folder/build.py" <<'PYTHON'
import logging
import pathlib
import sys
from importlib.metadata import version

from aws_lambda_builders.architecture import X86_64
from aws_lambda_builders.builder import LambdaBuilder

messages = []


class Kept(logging.Handler):
    def emit(self, record):
        messages.append((record.levelname, record.getMessage()))


logging.getLogger().addHandler(Kept())
folder = pathlib.Path(sys.argv[1])
source, built, scratch = (folder / name for name in ("source", "built", "scratch"))
for path in ("app.py", "fast/library.so", "fast/library.so.1", "fast/library.dll", "fast/env/__init__.py", "venv/x.py"):
    (source / path).parent.mkdir(parents=True, exist_ok=True)
    (source / path).write_text("")
(source / "requirements.txt").write_text("")
for one in (built, scratch):
    one.mkdir()
runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
builder = LambdaBuilder(language="python", dependency_manager="pip", application_framework=None)
builder.build(
    str(source), str(built), str(scratch), str(source / "requirements.txt"),
    runtime=runtime, architecture=X86_64, executable_search_paths=[str(pathlib.Path(sys.executable).parent)],
)


def files(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


missing = files(source) - files(built)
print("aws-lambda-builders", version("aws-lambda-builders"), runtime)
print("left out:", sorted(missing))
print("warnings:", [text for level, text in messages if level in ("WARNING", "ERROR")])
assert missing == {"fast/library.so", "fast/env/__init__.py", "venv/x.py"}, "it has changed"
assert not [text for level, text in messages if "library" in text and level in ("WARNING", "ERROR")]
PYTHON
"$folder/venv/bin/python" "$folder/build.py" "$folder"
