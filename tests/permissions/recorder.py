"""Records the calls of AWS that the product makes in a test, by the role that makes them on AWS.

botocore calls the handlers of every session once for each operation; the outermost frame of the
product's code says whose call it is. What a test or a fake asks for itself is nobody's.
https://docs.aws.amazon.com/boto3/latest/guide/events.html
"""

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING, Any

import botocore
from botocore.session import Session

from housing_ops.checkout import CHECKOUT

if TYPE_CHECKING:
    from botocore.model import OperationModel

_PLACES = {
    f"{CHECKOUT}/functions/predict/admin/alarms.py": "admin",
    f"{CHECKOUT}/functions/predict/admin/alias_audit.py": "admin",
    f"{CHECKOUT}/functions/predict/admin/model_changes.py": "admin",
    f"{CHECKOUT}/functions/predict/admin/data_changes.py": "admin",
    f"{CHECKOUT}/functions/predict/admin/training_jobs.py": "admin",
    f"{CHECKOUT}/functions/predict/": "predict",
    f"{CHECKOUT}/functions/retrain/training/": "job",
    f"{CHECKOUT}/functions/retrain/": "retrain",
    f"{CHECKOUT}/functions/notify/": "notify",
    f"{CHECKOUT}/cli/housing_cli/commands/upload.py": "uploader",
    f"{CHECKOUT}/cli/housing_cli/jobs/upload.py": "uploader",
    f"{CHECKOUT}/cli/housing_cli/": "operator",
    f"{CHECKOUT}/cli/housing_deploy/": "deployer",
}
"""Roles by the files that run as them; of two that fit, the first."""
_OF_ONE_PACKAGE = {("predict", "admin"): "admin"}
"""Roles of two functions that have one package: the caller's, and whose the code inside it is."""
_NOBODYS = f"{CHECKOUT}/tests/"
_PASSING_ON = ("fakes/atomic_s3.py", "fakes/faulty_s3.py", "permissions/recorder.py")
"""They stand between the product and a client."""
_NOT_THERE = frozenset({"404", "NoSuchKey", "NoSuchVersion"})
_KEPT_AS = "recorded_call"
_TRANSFERS = "/s3transfer/"
"""boto3's transfers call from threads of their own, for whoever waits in the library."""


@dataclass(slots=True)
class Recorded:
    """One call."""

    role: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    is_missing: bool = False
    """Whether the answer was that there is no such thing."""


class Recorder:
    """The calls since they were last taken."""

    def __init__(self) -> None:
        self._calls: list[Recorded] = []

    def listen(self) -> None:
        """Record the calls of every session that is made from now on."""
        botocore.register_initializer(self._attach)

    def taken(self) -> list[Recorded]:
        """Return the calls, and forget them."""
        calls, self._calls = self._calls, []
        return calls

    def _attach(self, session: Session) -> None:
        session.register("provide-client-params", self._begin)
        session.register("after-call", self._end)

    def _begin(self, **event: Any) -> None:
        if event["context"].get("is_presign_request"):  # it is signed for somebody else to make
            return
        if role := _role():
            model: OperationModel = event["model"]
            service = model.service_model.service_name
            call = Recorded(role, service, model.name, dict(event["params"]))
            event["context"][_KEPT_AS] = call
            self._calls.append(call)

    def _end(self, **event: Any) -> None:
        call: Recorded | None = event["context"].get(_KEPT_AS)
        if call:
            call.is_missing = event["parsed"].get("Error", {}).get("Code") in _NOT_THERE


def _role() -> str | None:
    """Return whose call this is; None for a test's own, from within the product's code, too."""
    own = list(_files(sys._getframe()))
    if any(_TRANSFERS in file for file in own) and not _outermost(own):
        own = list(_files(sys._current_frames().get(threading.main_thread().ident or 0)))
    innermost = next((file for file in own if _is_of_a_test(file) or _role_of(file)), "")
    return None if _is_of_a_test(innermost) else _outermost(own)


def _outermost(files: Iterable[str]) -> str | None:
    """Return the role of the outermost file that has one, or of its package's other function."""
    roles = [role for file in reversed(list(files)) if (role := _role_of(file))]
    if not roles:
        return None
    return next(
        (_OF_ONE_PACKAGE[pair] for one in roles if (pair := (roles[0], one)) in _OF_ONE_PACKAGE),
        roles[0],
    )


def _files(frame: FrameType | None) -> Iterator[str]:
    """Yield the files of a stack, the innermost first."""
    while frame:
        yield frame.f_code.co_filename
        frame = frame.f_back


@cache
def _is_of_a_test(file: str) -> bool:
    return file.startswith(_NOBODYS) and not file.endswith(_PASSING_ON)


@cache
def _role_of(file: str) -> str | None:
    return next((role for place, role in _PLACES.items() if file.startswith(place)), None)
