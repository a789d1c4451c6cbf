"""``python -m local_stack.bridge``: extract metrics from log lines until SIGTERM.

No value counts twice: a call is deleted from the list on disk before it is made, and added again if
the endpoint did not accept it. If the bridge is killed in between, that one call is lost.
"""

import argparse
import copy
import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from local_stack.bridge import checkpoint
from local_stack.bridge.embedded_metrics import BadLineError, Datum, data_of
from local_stack.bridge.metric_data import calls
from local_stack.bridge.sources import new_lines

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_LOG = logging.getLogger("bridge")
_SERVER_ERROR = 500
_CLIENT = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})


class Bridge:
    """Reads log lines and puts their metrics."""

    def __init__(  # noqa: PLR0913 - sources, target and checkpoint
        self,
        logs: "CloudWatchLogsClient",
        metrics: Any,
        *,
        group_prefix: str,
        jobs_dir: Path,
        checkpoint_file: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Continue at the checkpoint of the last bridge.

        Args:
            logs: Client of the endpoint's logs.
            metrics: Client of its metrics.
            group_prefix: Prefix of the functions' log groups.
            jobs_dir: Folder of the training jobs' logs.
            checkpoint_file: File of the checkpoint.
            now: Returns the time.
        """
        self._logs, self._metrics = logs, metrics
        self._prefix, self._jobs_dir, self._checkpoint_file = (
            group_prefix,
            jobs_dir,
            checkpoint_file,
        )
        self._now = now
        self._checkpoint = checkpoint.load(checkpoint_file)

    def round(self) -> int:
        """Put the metrics of new lines; return the number of lines with metrics.

        Raises:
            BotoCoreError: The endpoint did not answer; the next round continues.
            ClientError: The endpoint failed; the next round continues.
        """
        self._put_pending()
        next_checkpoint = copy.deepcopy(self._checkpoint)
        read = list(new_lines(self._logs, self._prefix, self._jobs_dir, next_checkpoint))
        if next_checkpoint == self._checkpoint:
            return 0
        data, lines = self._data(read)
        next_checkpoint.pending = list(calls(data))
        self._checkpoint = next_checkpoint
        self._save()
        self._put_pending()
        return lines

    def _put_pending(self) -> None:
        while self._checkpoint.pending:
            call = self._checkpoint.pending.pop()
            self._save()
            try:
                self._metrics.put_metric_data(**call)
            except ReadTimeoutError:
                _LOG.warning("the endpoint did not confirm values: they may be lost")
            except (BotoCoreError, ClientError) as exc:
                if _is_refused(exc):
                    _LOG.warning("the endpoint refused values, which are lost: %s", exc)
                    continue
                self._checkpoint.pending.append(call)
                self._save()
                raise

    def _save(self) -> None:
        checkpoint.save(self._checkpoint_file, self._checkpoint)

    def _data(self, read: list[tuple[str, str]]) -> tuple[list[Datum], int]:
        data: list[Datum] = []
        lines = bad = 0
        for source, line in read:
            try:
                values = data_of(line, self._now())
            except BadLineError as exc:
                bad += 1
                _LOG.warning("%s: skipped a line with metrics: %s", source, exc)
                continue
            lines += bool(values)
            data += values
        if lines or bad:
            count = sum(len(datum.values) for datum in data)
            _LOG.info("%d lines, %d values; %d bad lines", lines, count, bad)
        return data, lines


def _is_refused(exc: Exception) -> bool:
    if not isinstance(exc, ClientError):
        return False
    return int(exc.response["ResponseMetadata"]["HTTPStatusCode"]) < _SERVER_ERROR


def main() -> None:
    """Run until SIGTERM, then once more for the rest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log-group-prefix", required=True)
    parser.add_argument("--jobs-dir", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--heartbeat", type=Path, required=True, help="touched after each round")
    parser.add_argument("--seconds", type=float, default=1.0, help="between two rounds")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    _LOG.setLevel(logging.INFO)  # INFO of this module only, not of boto3
    logging.Formatter.converter = time.gmtime
    ended = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda *_: ended.set())
    bridge = Bridge(
        boto3.client("logs", config=_CLIENT),
        boto3.client("cloudwatch", config=_CLIENT),
        group_prefix=arguments.log_group_prefix,
        jobs_dir=arguments.jobs_dir,
        checkpoint_file=arguments.checkpoint,
    )
    last = False
    while not last:
        last = ended.wait(arguments.seconds)  # a last round after the signal
        try:
            bridge.round()
            arguments.heartbeat.touch()
        except (BotoCoreError, ClientError) as exc:
            _LOG.warning("the endpoint does not answer, retrying: %s", exc)


if __name__ == "__main__":
    main()
