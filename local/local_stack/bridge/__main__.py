"""``python -m local_stack.bridge``: turn log lines into metrics until told to end.

Nothing is counted twice: a call is struck off the list on disk before it is made, and put back if
the endpoint did not take it. Killed between the two, the bridge loses that one call.
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

from local_stack.bridge import place
from local_stack.bridge.embedded_metrics import BadLineError, Datum, data_of
from local_stack.bridge.metric_data import calls
from local_stack.bridge.sources import new_lines

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_LOG = logging.getLogger("bridge")
_SERVER_ERROR = 500
_CLIENT = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})


class Bridge:
    """Reads lines and puts what they tell of."""

    def __init__(  # noqa: PLR0913 - what it reads, where it puts, what it remembers
        self,
        logs: "CloudWatchLogsClient",
        metrics: Any,
        *,
        group_prefix: str,
        jobs_dir: Path,
        place_file: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Read on from where the last bridge ended.

        Args:
            logs: Client of the endpoint's logs.
            metrics: Client of its metrics.
            group_prefix: How the names of the functions' log groups begin.
            jobs_dir: Folder of the training jobs' logs.
            place_file: Where the place is kept.
            now: Tells the time.
        """
        self._logs, self._metrics = logs, metrics
        self._prefix, self._jobs_dir, self._place_file = group_prefix, jobs_dir, place_file
        self._now = now
        self._place = place.load(place_file)

    def round(self) -> int:
        """Put what is new; return how many lines had metrics.

        Raises:
            BotoCoreError: The endpoint did not answer; the next round goes on.
            ClientError: It failed; the same.
        """
        self._put_pending()
        there = copy.deepcopy(self._place)
        read = list(new_lines(self._logs, self._prefix, self._jobs_dir, there))
        if there == self._place:
            return 0
        data, told = self._data(read)
        there.pending = list(calls(data))
        self._place = there
        self._save()
        self._put_pending()
        return told

    def _put_pending(self) -> None:
        while self._place.pending:
            call = self._place.pending.pop()
            self._save()
            try:
                self._metrics.put_metric_data(**call)
            except ReadTimeoutError:
                _LOG.warning("the endpoint took values and did not say so: they may be lost")
            except (BotoCoreError, ClientError) as exc:
                if _is_refused(exc):
                    _LOG.warning("the endpoint refused values, they are lost: %s", exc)
                    continue
                self._place.pending.append(call)
                self._save()
                raise

    def _save(self) -> None:
        place.save(self._place_file, self._place)

    def _data(self, read: list[tuple[str, str]]) -> tuple[list[Datum], int]:
        data: list[Datum] = []
        told = bad = 0
        for source, line in read:
            try:
                found = data_of(line, self._now())
            except BadLineError as exc:
                bad += 1
                _LOG.warning("%s: a line with metrics was skipped: %s", source, exc)
                continue
            told += bool(found)
            data += found
        if told or bad:
            values = sum(len(datum.values) for datum in data)
            _LOG.info("%d lines, %d values; %d bad lines", told, values, bad)
        return data, told


def _is_refused(exc: Exception) -> bool:
    if not isinstance(exc, ClientError):
        return False
    return int(exc.response["ResponseMetadata"]["HTTPStatusCode"]) < _SERVER_ERROR


def main() -> None:
    """Run until SIGTERM; then put what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log-group-prefix", required=True)
    parser.add_argument("--jobs-dir", type=Path, required=True)
    parser.add_argument("--place", type=Path, required=True)
    parser.add_argument("--heartbeat", type=Path, required=True, help="touched after each round")
    parser.add_argument("--seconds", type=float, default=1.0, help="between two rounds")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    _LOG.setLevel(logging.INFO)  # boto3 has less to say
    logging.Formatter.converter = time.gmtime
    ended = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda *_: ended.set())
    bridge = Bridge(
        boto3.client("logs", config=_CLIENT),
        boto3.client("cloudwatch", config=_CLIENT),
        group_prefix=arguments.log_group_prefix,
        jobs_dir=arguments.jobs_dir,
        place_file=arguments.place,
    )
    last = False
    while not last:
        last = ended.wait(arguments.seconds)  # a last round after the end was asked for
        try:
            bridge.round()
            arguments.heartbeat.touch()
        except (BotoCoreError, ClientError) as exc:
            _LOG.warning("the endpoint does not answer, trying again: %s", exc)


if __name__ == "__main__":
    main()
