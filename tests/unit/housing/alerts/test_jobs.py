"""What people are told of a job: the reason, the numbers and the command to run next."""

import shlex
from typing import Any

import pytest
from typer.main import get_command

from fakes.jobs import job_status
from housing.alerts.alert import Alert, AlertEvent
from housing.alerts.jobs import alert_on, alert_on_drift
from housing.jobs.results import ColumnDrift, Drift, Held, HeldPlace, RowCounts, Verdict
from housing.jobs.status import JobStatus, Stage, State
from housing_cli.main import app

NAME = "california-housing"
VERDICT = Verdict(
    promote=True,
    reason="its error is lower by 4 %",
    challenger_rmse=0.45123,
    champion_rmse=0.47,
    champion_version="6",
    holdout_rows=4_128,
)
PLACE = HeldPlace(
    latitude=34.05,
    longitude=-118.24,
    radius_km=1.23,
    rows=48,
    of_rows=50,
    side="below",
    production_price=2.31,
    upload_price=0.15,
    jobs=["7f3c"],
)
HELD = Held(kind="data", reason="48 of 50 prices lie below", places=[PLACE], jobs=["7f3c", "0a1b"])
ROWS = RowCounts(read=5_000, accepted=4_990, rejected=10, new=4_000)


def ended(state: State, **changes: Any) -> JobStatus:
    return job_status("0a1b", state=state, rows=ROWS, dataset_rows=24_640, **changes)


def drift(*warnings: str) -> Drift:
    columns = [
        ColumnDrift(
            name=name, psi=psi, ks=0.22, p_value=0, mean_before=3, mean_after=5, drifted=drifted
        )
        for name, psi, drifted in (("MedInc", 0.31, True), ("HouseAge", 0.01, False))
    ]
    return Drift(rows=100, reference_rows=900, columns=columns, warnings=list(warnings))


def alert_of(status: JobStatus) -> Alert:
    alert = alert_on(status, NAME)
    assert alert
    return alert


def judged(*, promoted: bool, **changes: Any) -> JobStatus:
    verdict = VERDICT.model_copy(update=changes)
    return ended(State.SUCCEEDED, model_version="7", verdict=verdict, promoted=promoted)


def test_a_promotion_has_both_errors_and_the_rollback_command() -> None:
    alert = alert_of(judged(promoted=True))

    assert alert.event == AlertEvent.MODEL_PROMOTED
    assert alert.subject == "california-housing: version 7 is in production"
    assert alert.reason == "its error is lower by 4 %"
    assert alert.next_step == 'housing rollback --reason "…"'
    assert alert.facts == {
        "version": "7",
        "RMSE": "0.4512",
        "compared with": "version 6",
        "RMSE of that": "0.4700",
        "held-out rows": "4,128",
        "rows of the data set": "24,640",
        "new rows": "4,000",
        "bad rows": "10 of 5,000",
        "file": "new_data/more.csv",
        "job": "0a1b",
    }


def test_the_first_promotion_offers_no_way_back() -> None:
    alert = alert_of(judged(promoted=True, champion_version=None, champion_rmse=None))

    assert alert.next_step == "housing models"
    assert "compared with" not in alert.facts


def test_a_version_that_was_not_promoted_comes_with_the_command_that_does_it_all_the_same() -> None:
    alert = alert_of(judged(promoted=False))

    assert alert.event == AlertEvent.MODEL_NOT_PROMOTED
    assert alert.next_step == 'housing promote 7 --reason "…"'
    assert (alert.facts["RMSE"], alert.facts["RMSE of that"]) == ("0.4512", "0.4700")


def test_a_held_version_has_places_both_prices_and_both_commands() -> None:
    alert = alert_of(judged(promoted=False).model_copy(update={"held": HELD}))

    assert alert.event == AlertEvent.MODEL_HELD
    assert alert.subject == "california-housing: version 7 waits for a person"
    assert alert.reason == "48 of 50 prices lie below"
    assert alert.facts["place 1"] == (
        "34.05, -118.24, within 1.2 km: 48 of 50 rows below, $15,000 instead of production's "
        "$231,000; job 7f3c"
    )
    assert 'housing data exclude 7f3c --reason "…"; housing data exclude 0a1b' in alert.advice
    assert alert.next_step == 'housing promote 7 --reason "…"'


def test_of_many_places_and_jobs_an_alert_names_three_and_leads_to_the_rest() -> None:
    jobs = [f"job-{number}" for number in range(5)]
    many = HELD.model_copy(update={"places": [PLACE] * 5, "jobs": jobs})

    alert = alert_of(judged(promoted=False).model_copy(update={"held": many}))

    assert [name for name in alert.facts if name.startswith("place")] == [
        "place 1",
        "place 2",
        "place 3",
    ]
    assert alert.facts["more places"] == "2: housing status 0a1b"
    assert "job-2" in alert.advice
    assert "job-3" not in alert.advice


def test_a_table_without_places_is_held_for_rows_alike() -> None:
    nowhere = PLACE.model_copy(update={"latitude": None, "longitude": None, "radius_km": None})
    held = HELD.model_copy(update={"places": [nowhere], "jobs": []})

    alert = alert_of(judged(promoted=False).model_copy(update={"held": held}))

    assert alert.facts["place 1"].startswith("rows alike: 48 of 50 rows below")
    assert "housing data exclude 0a1b" in alert.advice


def test_a_version_that_a_stop_holds_names_no_rows_as_wrong() -> None:
    stop = Held(kind="stop", reason="automatic promotion was stopped: odd prices")

    alert = alert_of(judged(promoted=False).model_copy(update={"held": stop}))

    assert alert.event == AlertEvent.MODEL_HELD
    assert "exclude" not in alert.advice
    assert "the next job after housing resume compares it again" in alert.advice
    assert alert.next_step == 'housing promote 7 --reason "…"'


def test_a_version_held_for_excluded_rows_explains_the_next_job() -> None:
    held = Held(kind="excluded", reason="rows of job 7f3c are excluded", jobs=["7f3c"])

    alert = alert_of(judged(promoted=False).model_copy(update={"held": held}))

    assert (alert.event, alert.reason) == (AlertEvent.MODEL_HELD, held.reason)
    assert alert.advice.startswith("the next job trains without these rows")


def test_a_rejection_of_excluded_rows_has_the_include_command_and_no_upload_command() -> None:
    command = 'housing data include 7f3c --reason "…"'
    reason = "its rows are excluded since 2026-11-30 16:15 UTC by anna (odd)"

    alert = alert_of(ended(State.REJECTED, reason=reason, next_step=command, excluded=True))

    assert (alert.event, alert.reason) == (AlertEvent.UPLOAD_REJECTED, reason)
    assert alert.next_step == command
    assert "housing upload" not in alert.text()


def test_a_job_without_a_change_sends_no_alert() -> None:
    assert alert_on(ended(State.SUCCEEDED, model_version="7"), NAME) is None


def test_a_failure_has_its_stage_and_the_status_command() -> None:
    alert = alert_of(
        ended(State.FAILED, stage=Stage.REGISTER, reason="it is down", next_step="start it")
    )

    assert alert.event == AlertEvent.TRAINING_FAILED
    assert (alert.reason, alert.advice) == ("it is down", "start it")
    assert alert.next_step == "housing status 0a1b"
    assert alert.facts["stage"] == "register"


NAMES = {
    "more.csv": "housing upload more.csv --wait",
    "in/a folder/new data.csv": "housing upload 'new data.csv' --wait",
    "$(reboot)`reboot`;.csv": "housing upload '$(reboot)`reboot`;.csv' --wait",
    "--help.csv": "housing upload ./--help.csv --wait",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_rejection_has_the_report_and_an_upload_command_that_quotes_the_name(
    name: str,
) -> None:
    status = ended(State.REJECTED, reason="empty", report_key="rejected/0a1b/report.json")

    alert = alert_of(status.model_copy(update={"upload_key": f"new_data/{name}"}))

    assert alert.event == AlertEvent.UPLOAD_REJECTED
    assert alert.facts["report"] == "rejected/0a1b/report.json"
    assert alert.next_step == NAMES[name]
    assert len(shlex.split(alert.next_step)) == 4


def test_drift_has_its_warnings_and_measures() -> None:
    warnings = ["MedInc is higher than before", "HouseAge is older than before"]

    alert = alert_on_drift(ended(State.RUNNING, drift=drift(*warnings)), NAME)

    assert alert
    assert alert.event == AlertEvent.DATA_DRIFTED
    assert alert.reason == "\n".join(warnings)
    assert alert.facts["MedInc"] == "PSI 0.31, KS 0.22"
    assert alert.facts["new rows"] == "4,000"
    assert alert.next_step == "housing status 0a1b"


def test_no_warning_is_no_message() -> None:
    assert alert_on_drift(ended(State.RUNNING, drift=drift()), NAME) is None
    assert alert_on_drift(ended(State.RUNNING), NAME) is None


def test_each_next_step_is_a_command_that_there_is() -> None:
    alerts = [
        alert_of(judged(promoted=True)),
        alert_of(judged(promoted=True, champion_version=None)),
        alert_of(judged(promoted=False)),
        alert_of(judged(promoted=False).model_copy(update={"held": HELD})),
        alert_of(ended(State.FAILED)),
        alert_of(ended(State.REJECTED)),
        alert_on_drift(ended(State.RUNNING, drift=drift("it is")), NAME),
    ]
    commands = getattr(get_command(app), "commands", {})

    for alert in alerts:
        assert alert
        program, command, *_ = shlex.split(alert.next_step)
        assert program == "housing"
        assert command in commands
