"""Which uploads the data set holds; taking the rows of one out, and in again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from housing.alerts.alert import AlertSink
from housing.alerts.model_changes import alert_on_data
from housing.jobs.uploads import UploadRecord, UploadRecords
from housing.registry.exclusions import Exclusion
from housing.registry.live_model import LiveModel
from housing.s3.documents import Documents
from housing.s3.layout import DATASET, NEW_DATA
from predict.errors import ChangeRefusedError, NoSuchTargetError, outages_as_unavailable

_SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """The rows that a job brought; of a part without a record, only what its object tells."""

    part: str
    uploaded_at: datetime
    record: UploadRecord | None
    exclusion: Exclusion | None

    @property
    def job_id(self) -> str:
        """The job, or the part itself where none is recorded; either names it in a command."""
        if self.record:
            return self.record.job_id
        return self.exclusion.job_id if self.exclusion else self.part

    @property
    def file(self) -> str:
        """Name of the uploaded file, if it is known."""
        return self.record.upload_key.removeprefix(NEW_DATA) if self.record else ""


@dataclass(frozen=True, slots=True)
class DataChanged:
    """The state of a part after a change."""

    part: UploadedPart
    is_changed: bool


@dataclass(frozen=True, slots=True)
class DataChanges:
    """The use case; the registry is not asked, so that it works while that is down."""

    live: LiveModel
    model_name: str
    alerts: AlertSink

    def newest(self, limit: int) -> Sequence[UploadedPart]:
        """Return the newest uploads, newest first, and every one whose rows are left out.

        Raises:
            StoreUnavailableError: The bucket is out of reach.
        """
        with outages_as_unavailable():
            excluded, stored = self.live.exclusions.load(), self._stored()
            records = self._records.newest(limit)
            parts = [_recorded(one, excluded) for one in records if one.part in stored]
            unseen = stored.keys() - {one.part for one in records}
            if len(records) == limit:  # more may be recorded than were read
                unseen &= excluded.keys()
            parts += [self._of_part(one, stored, excluded) for one in unseen]
        parts.sort(key=lambda part: part.uploaded_at, reverse=True)
        return [part for place, part in enumerate(parts) if place < limit or part.exclusion]

    def exclude(self, job: str, *, why: str, who: str) -> DataChanged:
        """Leave the rows of a job out of every snapshot to come.

        Args:
            job: Its id, or the digest of the part that it brought.
            why: For the ledger.
            who: For the ledger.

        Raises:
            NoSuchTargetError: No rows of such a job are in the data set.
            ChangeRefusedError: Nothing else would be left.
            StoreUnavailableError: The bucket is out of reach; the same call again goes on.
        """
        with self._alone(who):
            excluded = self.live.exclusions.load()
            found = self._found(job, excluded)
            left = self._stored().keys() - excluded.keys() - {found.part}
            if not left:
                msg = (
                    f"without the rows of {job} the data set would be empty: upload others or "
                    "include some first (housing data list)"
                )
                raise ChangeRefusedError(msg)
            is_changed = self.live.exclusions.exclude(
                found.part, "excluded", job_id=found.job_id, who=who, why=why
            )
            return self._concluded(found, is_changed=is_changed, why=why, who=who)

    def include(self, job: str, *, why: str, who: str) -> DataChanged:
        """Have snapshots hold the rows of a job again; arguments and errors as of ``exclude``."""
        with self._alone(who):
            found = self._found(job, self.live.exclusions.load())
            is_changed = self.live.exclusions.include(found.part, who=who, why=why)
            return self._concluded(found, is_changed=is_changed, why=why, who=who)

    @property
    def _records(self) -> UploadRecords:
        return UploadRecords(self.live.s3, self.live.bucket)

    @contextmanager
    def _alone(self, who: str) -> Iterator[None]:
        """Change the list alone: no job promotes meanwhile."""
        with outages_as_unavailable(), self.live.locked(who):
            self.live.finish_decisions()
            yield

    def _concluded(
        self, found: UploadedPart, *, is_changed: bool, why: str, who: str
    ) -> DataChanged:
        exclusion = self.live.exclusions.load().get(found.part)
        if is_changed:
            is_excluded = exclusion is not None
            alert = alert_on_data(
                self.model_name, found.job_id, found.file, is_excluded=is_excluded, why=why, who=who
            )
            self.alerts.send(alert)
        after = UploadedPart(found.part, found.uploaded_at, found.record, exclusion)
        return DataChanged(after, is_changed)

    def _found(self, job: str, excluded: Mapping[str, Exclusion]) -> UploadedPart:
        record, stored = self._records.load(job), self._stored()
        if record and record.part in stored:
            return _recorded(record, excluded)
        by_job = next((part for part, one in excluded.items() if one.job_id == job), job)
        if by_job in stored:
            return self._of_part(by_job, stored, excluded)
        msg = (
            f"no rows of a job {job} are in the data set: housing status {job} says what became of "
            "it, housing data list names the jobs that brought rows"
        )
        raise NoSuchTargetError(msg)

    def _of_part(
        self, part: str, stored: Mapping[str, datetime], excluded: Mapping[str, Exclusion]
    ) -> UploadedPart:
        exclusion = excluded.get(part)
        record = self._records.load(exclusion.job_id) if exclusion else None
        return UploadedPart(part, record.uploaded_at if record else stored[part], record, exclusion)

    def _stored(self) -> Mapping[str, datetime]:
        """Return when each part was stored."""
        return {
            one.key.removeprefix(DATASET).removesuffix(_SUFFIX): one.written_at
            for one in Documents(self.live.s3, self.live.bucket).listed(DATASET)
            if one.key.endswith(_SUFFIX)
        }


def _recorded(record: UploadRecord, excluded: Mapping[str, Exclusion]) -> UploadedPart:
    return UploadedPart(record.part, record.uploaded_at, record, excluded.get(record.part))
