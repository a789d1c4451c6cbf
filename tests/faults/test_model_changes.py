"""What is live changes whole and once, whatever the network does to one call."""

from typing import Any

import pytest

from fakes.dataset import put_upload
from fakes.network_faults import ONCE
from fakes.onnx_models import linear_model
from faults.conftest import Prove
from faults.proving import Meeting
from faults.surroundings import Surroundings
from faults.test_alerts import assert_published
from housing.alerts import folded
from housing.alerts.alert import SnsAlerts
from housing.errors import HousingError
from housing.jobs.results import Verdict
from housing.registry.last_promoted import S3LastPromotedModel
from housing.registry.ledger import Ledger
from housing.registry.live_model import LOCK, LiveModel, Reason, holder_of
from housing.registry.port import CHALLENGER, PREVIOUS, PRODUCTION, Tag
from predict import aws_composition
from predict.admin.data_changes import DataChanges
from predict.admin.model_changes import ModelChanges
from predict.errors import StoreUnavailableError
from retrain.training.gate.promote import Promoter

MODELS = [linear_model(bias=float(number)) for number in range(3)]
BETTER = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=10)
WORSE = Verdict(promote=False, reason="worse", challenger_rmse=0.5, holdout_rows=10)
JOB_TRIES = 4
"""As in ``retrain.training.job.program``, which takes seconds to import."""
PART = "0a1b"
Move = tuple[str, str | None, str | None]


class _Change:
    """Versions of which some were promoted, and a change of what is live.

    Attributes:
        versions: How many are registered before.
        promoted: How many of them were promoted, one after the other.
        aliases: Afterwards: production, previous, challenger.
        entries: What the ledger says of the change, in its order: alias, from, to.
        decisions: The kinds of the decisions that it has beside these.
        alerts: What the topic was sent.
    """

    versions = 2
    promoted = 1
    aliases: tuple[str | None, str | None, str | None]
    entries: tuple[Move, ...]
    decisions: tuple[str, ...] = ()
    alerts: tuple[str, ...]

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        ledger = Ledger(around.s3, around.bucket)
        self.live = LiveModel(around.registry, ledger, around.s3, around.bucket)
        for model in MODELS[: self.versions]:
            version = around.endpoints.register(around.name, model, {})
            if int(version.version) <= self.promoted:
                self.live.put(version, model, Reason("job", "better", {}), version.tags)
        self.prepare()
        self._entries_before = len(around.ledger())
        self._decisions_before = len(around.decisions())

    def prepare(self) -> None:
        """Do what comes before the change beside promotions."""

    def check(self, meeting: Meeting) -> None:
        around = self.around
        names = (PRODUCTION, PREVIOUS, CHALLENGER)
        holders = [holder_of(around.registry, name) for name in names]
        assert tuple(holder.version if holder else None for holder in holders) == self.aliases
        entries = around.ledger()[self._entries_before :]
        written = tuple((one.alias, one.from_version, one.to_version) for one in entries)
        assert written == self.entries
        assert tuple(around.decisions()[self._decisions_before :]) == self.decisions
        assert around.undone() == []
        copy = S3LastPromotedModel(around.bucket, around.name, client=lambda: around.s3).find()
        assert copy.version.version == self.aliases[0]
        assert copy.download() == MODELS[int(copy.version.version) - 1]
        assert around.is_free(LOCK)
        assert_published(around, [*self.alerts], meeting)


class Promotion(_Change):
    """A job's version that is better."""

    may_raise: tuple[type[Exception], ...] = (HousingError,)
    aliases: tuple[str | None, str | None, str | None] = ("2", "1", None)
    entries: tuple[Move, ...] = ((PREVIOUS, None, "1"), (PRODUCTION, "1", "2"))
    alerts = ()
    verdict = BETTER

    def act(self) -> None:
        around = self.around
        s3 = around.faulty_s3(folded._BOUNDED)
        registry = around.faulty_registry(tries=JOB_TRIES)
        live = LiveModel(registry, Ledger(s3, around.bucket), s3, around.bucket)
        promoter = Promoter(live, around.name, "training job 1", lambda _: None, rollbacks_seen=0)
        champion, version = (around.registry.version(number) for number in "12")
        promoter.apply(version, self.verdict, MODELS[1], champion=champion, parts=(PART,))

    def check(self, meeting: Meeting) -> None:
        super().check(meeting)
        tags = self.around.registry.version("2").tags
        assert tags[Tag.VERDICT_REASON] == self.verdict.reason


class NotPromoted(Promotion):
    """A job's version that is worse."""

    aliases = ("1", None, "2")
    entries = ((CHALLENGER, None, "2"),)
    verdict = WORSE


class _Held(Promotion):
    """A job's version that is better, and may not be promoted."""

    aliases = ("1", None, None)
    entries = ()

    def check(self, meeting: Meeting) -> None:
        _Change.check(self, meeting)
        assert self.around.registry.version("2").tags[Tag.VERDICT] == "held"


class PromotionWhileStopped(_Held):
    """Automatic promotion was stopped while the job ran."""

    def prepare(self) -> None:
        self.live.promotion.stop(who="me", why="odd prices")


class PromotionOfExcludedRows(_Held):
    """Rows that the version was trained on were excluded while the job ran."""

    def prepare(self) -> None:
        self.live.exclusions.exclude(PART, "excluded", job_id="job", who="me", why="odd")


class _ByHand(_Change):
    """A request to the API; it is sent again where the answer says so."""

    may_raise: tuple[type[Exception], ...] = (StoreUnavailableError,)

    def changes_of_predict(self) -> ModelChanges:
        around, config = self.around, aws_composition._BOUNDED
        s3 = around.faulty_s3(config)
        registry = around.faulty_registry(tries=aws_composition._REGISTRY_TRIES)
        live = LiveModel(registry, Ledger(s3, around.bucket), s3, around.bucket)
        topic = SnsAlerts(around.faulty_sns(config), around.topic_arn)
        return ModelChanges(live, around.name, topic, lambda: None)


class Rollback(_ByHand):
    """Back to the version before, which nobody names."""

    promoted = 2
    aliases = ("1", "2", None)
    entries = ((PREVIOUS, "1", "2"), (PRODUCTION, "2", "1"))
    decisions = ("promotion_stopped",)
    alerts = ("rolled_back",)

    def act(self) -> None:
        self.changes_of_predict().rollback(None, why="odd prices", who="me")

    def check(self, meeting: Meeting) -> None:
        super().check(meeting)
        assert self.around.registry.version("2").tags[Tag.ROLLED_BACK].endswith("odd prices")
        assert not self.around.registry.version("1").tags.get(Tag.ROLLED_BACK)
        promotion = self.live.promotion.load()
        assert promotion.stopped
        assert promotion.rollbacks == 1 or not meeting.is_borne


class PromotionByHand(_ByHand):
    """On to a version that the gate refused."""

    versions = 3
    promoted = 2
    aliases = ("3", "2", None)
    entries = ((PREVIOUS, "1", "2"), (PRODUCTION, "2", "3"))
    alerts = ("promoted",)

    def act(self) -> None:
        self.changes_of_predict().promote("3", why="we know better", who="me")

    def check(self, meeting: Meeting) -> None:
        super().check(meeting)
        assert self.around.registry.version("3").tags[Tag.VERDICT] == "promoted"


class Resumption(_ByHand):
    """The end of a stop."""

    aliases = ("1", None, None)
    entries = ()
    decisions = ("promotion_resumed",)
    alerts = ("promotion_resumed",)

    def prepare(self) -> None:
        self.live.promotion.stop(who="me", why="odd prices")

    def act(self) -> None:
        self.changes_of_predict().resume(why="it was right", who="me")

    def check(self, meeting: Meeting) -> None:
        super().check(meeting)
        assert not self.live.promotion.load().stopped


class Exclusion(_ByHand):
    """Rows of a job leave the data set."""

    aliases = ("1", None, None)
    entries = ()
    decisions = ("data_excluded",)
    alerts = ("data_excluded",)

    def prepare(self) -> None:
        for job_id, part in (("job-1", PART), ("job-2", "2c3d")):
            put_upload(self.around.s3, self.around.bucket, job_id, part=part)

    def act(self) -> None:
        changes = self.changes_of_predict()
        data = DataChanges(changes.live, self.around.name, changes.alerts)
        data.exclude("job-1", why="a wrong unit", who="me")

    def check(self, meeting: Meeting) -> None:
        super().check(meeting)
        assert set(self.live.exclusions.load()) == {PART}


class Inclusion(Exclusion):
    """They come back."""

    decisions = ("data_included",)
    alerts = ("data_included",)

    def prepare(self) -> None:
        super().prepare()
        self.live.exclusions.exclude(PART, "excluded", job_id="job-1", who="me", why="odd")

    def act(self) -> None:
        changes = self.changes_of_predict()
        data = DataChanges(changes.live, self.around.name, changes.alerts)
        data.include("job-1", why="it was right", who="me")

    def check(self, meeting: Meeting) -> None:
        _ByHand.check(self, meeting)
        assert self.live.exclusions.load() == {}


PROTOCOLS = [
    Promotion,
    NotPromoted,
    PromotionWhileStopped,
    PromotionOfExcludedRows,
    Rollback,
    PromotionByHand,
    Resumption,
    Exclusion,
    Inclusion,
]


@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_change_is_whole_and_made_once(proved: Prove, protocol: Any, fault: str) -> None:
    proved(protocol, fault)
