"""Audit of the aliases: one that was moved past the pipeline is recorded and reported."""

import logging
from dataclasses import dataclass

from housing.alerts.alert import AlertSink
from housing.alerts.jobs import alert_on_repair
from housing.registry.alias_repair import Repair, is_consistent, repair
from housing.registry.live_model import LiveModel
from predict.errors import outages_as_unavailable

HOOK = "the registry's webhook"
SWEEP = "the audit of every five minutes"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AliasAudit:
    """The use case; repeated calls without a change in between do nothing."""

    live: LiveModel
    model_name: str
    alerts: AlertSink

    def run(self, *, who: str) -> list[Repair]:
        """Compare aliases with the ledger; record and report what differs.

        The pipeline writes the ledger before it moves an alias. So its own moves agree, and the
        lock is taken only for others', or for a change that was interrupted.

        Args:
            who: Author of the audit, for the ledger.

        Raises:
            StoreUnavailableError: Registry or bucket is unavailable, or a change is under way: the
                next audit does what this one would have done.
        """
        with outages_as_unavailable():
            if is_consistent(self.live):
                return []
            with self.live.locked(who):
                repairs = repair(self.live, self.model_name, who=who)
        for one in repairs:
            self.alerts.send(alert_on_repair(one, self.model_name))
        _LOG.info("aliases_audited", extra={"by": who, "repairs": [str(one) for one in repairs]})
        return repairs
