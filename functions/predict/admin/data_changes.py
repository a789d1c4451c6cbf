"""The uploads of the data set; exclusion and inclusion of their rows."""

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
    """The rows of one upload; without a record, only what the object's key and time say."""

    part: str
    uploaded_at: datetime
    record: UploadRecord | None
    exclusion: Exclusion | None

    @property
    def job_id(self) -> str:
        """The job's id, or the part's digest without a record; commands accept both."""
        if self.record:
            return self.record.job_id
        return self.exclusion.job_id if self.exclusion else self.part

    @property
    def file(self) -> str:
        """Name of the uploaded file, or empty."""
        return self.record.upload_key.removeprefix(NEW_DATA) if self.record else ""


@dataclass(frozen=True, slots=True)
class DataChanged:
    """The state of a part after a change."""

    part: UploadedPart
    is_changed: bool


@dataclass(frozen=True, slots=True)
class DataChanges:
    """The use case; works without the registry."""

    live: LiveModel
    model_name: str
    alerts: AlertSink

    def newest(self, limit: int) -> Sequence[UploadedPart]:
        """Return the newest uploads, newest first, and all excluded ones.

        Raises:
            StoreUnavailableError: The bucket is unavailable.
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
        """Exclude the rows of a job from all later snapshots.

        Args:
            job: Its id, or the digest of its part.
            why: For the ledger.
            who: For the ledger.

        Raises:
            NoSuchTargetError: The data set has no rows of such a job.
            ChangeRefusedError: The data set would be empty.
            StoreUnavailableError: The bucket is unavailable; the same call again goes on.
        """
        with self._locked(who):
            excluded = self.live.exclusions.load()
            upload = self._upload(job, excluded)
            remaining = self._stored().keys() - excluded.keys() - {upload.part}
            if not remaining:
                msg = (
                    f"without the rows of {job} the data set would be empty: upload others or "
                    "include some first (housing data list)"
                )
                raise ChangeRefusedError(msg)
            is_changed = self.live.exclusions.exclude(
                upload.part, "excluded", job_id=upload.job_id, who=who, why=why
            )
            return self._concluded(upload, is_changed=is_changed, why=why, who=who)

    def include(self, job: str, *, why: str, who: str) -> DataChanged:
        """Include the rows of a job again; arguments and errors as in ``exclude``."""
        with self._locked(who):
            upload = self._upload(job, self.live.exclusions.load())
            is_changed = self.live.exclusions.include(upload.part, who=who, why=why)
            return self._concluded(upload, is_changed=is_changed, why=why, who=who)

    @property
    def _records(self) -> UploadRecords:
        return UploadRecords(self.live.s3, self.live.bucket)

    @contextmanager
    def _locked(self, who: str) -> Iterator[None]:
        """Hold the lock on the live model: no job promotes in a block."""
        with outages_as_unavailable(), self.live.locked(who):
            self.live.finish_decisions()
            yield

    def _concluded(
        self, upload: UploadedPart, *, is_changed: bool, why: str, who: str
    ) -> DataChanged:
        exclusion = self.live.exclusions.load().get(upload.part)
        if is_changed:
            is_excluded = exclusion is not None
            alert = alert_on_data(
                self.model_name,
                upload.job_id,
                upload.file,
                is_excluded=is_excluded,
                why=why,
                who=who,
            )
            self.alerts.send(alert)
        after = UploadedPart(upload.part, upload.uploaded_at, upload.record, exclusion)
        return DataChanged(after, is_changed)

    def _upload(self, job: str, excluded: Mapping[str, Exclusion]) -> UploadedPart:
        record, stored = self._records.load(job), self._stored()
        if record and record.part in stored:
            return _recorded(record, excluded)
        by_job = next((part for part, one in excluded.items() if one.job_id == job), job)
        if by_job in stored:
            return self._of_part(by_job, stored, excluded)
        msg = (
            f"the data set has no rows of a job {job}: housing status {job} shows how it ended, "
            "housing data list shows the jobs with rows"
        )
        raise NoSuchTargetError(msg)

    def _of_part(
        self, part: str, stored: Mapping[str, datetime], excluded: Mapping[str, Exclusion]
    ) -> UploadedPart:
        exclusion = excluded.get(part)
        record = self._records.load(exclusion.job_id) if exclusion else None
        return UploadedPart(part, record.uploaded_at if record else stored[part], record, exclusion)

    def _stored(self) -> Mapping[str, datetime]:
        """Return the storage time of each part."""
        return {
            one.key.removeprefix(DATASET).removesuffix(_SUFFIX): one.written_at
            for one in Documents(self.live.s3, self.live.bucket).listed(DATASET)
            if one.key.endswith(_SUFFIX)
        }


def _recorded(record: UploadRecord, excluded: Mapping[str, Exclusion]) -> UploadedPart:
    return UploadedPart(record.part, record.uploaded_at, record, excluded.get(record.part))
