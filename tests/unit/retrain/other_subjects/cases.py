"""Cases of a subject without geography; ``test_other_subjects`` runs them in another process."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnx
import pandas as pd
import pytest

from fakes.registry import FakeModelRegistry
from housing.jobs.status import JobStore, State
from housing.metrics import names
from housing.onnx_session import OUTPUTS, graph_inputs, open_session
from housing.registry.port import PRODUCTION
from housing.schema import CANONICAL_COLUMNS, FEATURE_NAMES, FEATURES, SUBJECT, TARGET
from housing.subject import Column
from housing.tree_library import LIBRARY, identity
from retrain.training.anomaly.contradictions import Table
from retrain.training.anomaly.gaps import without_gaps
from retrain.training.anomaly.priced import Priced
from retrain.training.dataset.rows import Rows, Values
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.dataset.split import Split
from retrain.training.errors import ParityError, TooFewRowsError
from retrain.training.gate.gate import judge, judge_first
from retrain.training.gate.hold import Hold, KnownData, NewData, examine
from retrain.training.graph.export import export
from retrain.training.graph.parity import check_parity
from retrain.training.job.candidate import TrainedModel, card_of, train_model
from retrain.training.job.context import JobContext
from retrain.training.job.description import described
from retrain.training.job.job import run
from retrain.training.job.job_metrics import UNITS
from retrain.training.model.engines import EngineName
from retrain.training.model.evaluation import score
from retrain.training.model.families.columns import column_names
from retrain.training.model.fit import FEATURES as STEP
from retrain.training.model.fit import MODEL, fit
from retrain.training.model.workers import InThisProcess, worker_processes
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.mlflow import log_graph
from retrain.training.upload.ingest import Upload

OF_SUBJECT = {name: os.environ[name] for name in ("HOUSING_SUBJECT", "HOUSING_SUBJECTS_DIR")}
IS_CLASSIFICATION = SUBJECT.task == "classification"
ERROR = "log_loss" if IS_CLASSIFICATION else "rmse"
SETTINGS = TrainingSettings(
    bucket="b", tracking_uri="http://r.test", iterations=40, max_leaves=12, models=2
)
LIMITS = {"worst": SETTINGS.parity_worst, "p99": SETTINGS.parity_p99}


def table(count: int, seed: int = 0) -> Values:
    """Draw canonical rows: each column has an effect, and each optional one is missing at times."""
    random = np.random.default_rng(seed)
    v1, rows = random.lognormal(0, 1, count), count
    number = random.integers(0, 20, rows).astype(float)  # 0 too, which divides
    size = np.where(random.random(rows) < 0.1, np.nan, random.normal(5, 2, rows))
    is_new = (random.random(rows) < 0.4).astype(float)
    is_loud = np.where(random.random(rows) < 0.2, np.nan, random.random(rows) < 0.5)
    grade = random.integers(0, 3, rows).astype(float)
    colour = np.where(random.random(rows) < 0.1, np.nan, random.integers(0, 3, rows))
    town = random.integers(0, 31, rows)
    gain = (
        -1_500
        + 800 * np.log(v1)
        + 50 * number
        + 40 * np.nan_to_num(size, nan=9)
        + 300 * is_new * np.nan_to_num(is_loud, nan=0.3)
        + 200 * grade**2
        + np.random.default_rng(9).normal(0, 300, 31)[town]
        + np.where(np.isnan(colour), -400, colour * 100)
    )
    if IS_CLASSIFICATION:
        target = (gain + random.logistic(0, 300, rows) > 0).astype(float)
    else:
        target = gain + random.normal(0, 150, rows)
    return np.column_stack([v1, number, size, is_new, is_loud, grade, colour, town, target])


@dataclass(frozen=True)
class Made:
    """A model and its rows."""

    model: TrainedModel
    rows: Split
    snapshot: Snapshot


@pytest.fixture(autouse=True)
def subject_of_workers(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Give processes of the job the subject of this one, which ``environment`` has cleared."""
    for name, value in OF_SUBJECT.items():
        monkeypatch.setenv(name, value)


def split_of(values: Values) -> tuple[Split, Snapshot]:
    count = len(values)
    is_held_out = np.arange(count) % 5 == 0
    none = np.zeros(count, np.int64)
    snapshot = Snapshot(
        rows=values,
        is_held_out=is_held_out,
        has_fitted_copy=np.zeros(count, bool),
        first_upload=none,
        standing_upload=none,
        uploads=("job",),
        dataset_id="0" * 64,
        data_source="drawn",
        key_id="key",
    )
    return Split(Rows.of(values[~is_held_out]), Rows.of(values[is_held_out])), snapshot


def made_with(engine: EngineName) -> Made:
    rows, snapshot = split_of(table(2_500))
    settings = SETTINGS.model_copy(update={"engine": engine})
    stage: Any = lambda _stage, _message: InStage()  # noqa: E731 - of two arguments
    model = train_model(snapshot, rows, settings, stage, lambda _: None, InThisProcess())
    return Made(model, rows, snapshot)


class InStage:
    """A stage without a status."""

    def __enter__(self) -> None:
        """Enter it."""

    def __exit__(self, *_: object) -> None:
        """Leave it."""


@pytest.fixture(scope="module", params=["scikit-learn", "lightgbm"])
def made(request: pytest.FixtureRequest) -> Made:
    return made_with(request.param)


@pytest.fixture(scope="module")
def one() -> Made:
    return made_with("scikit-learn")


def test_graph_and_model_agree_on_rows_that_neither_saw(made: Made) -> None:
    unseen = Rows.of(table(3_000, 7)).features
    unseen[:, 0] *= 1e3

    parity = check_parity(made.model.model, made.model.fitted, unseen, **LIMITS)

    assert parity.worst < (1e-5 if IS_CLASSIFICATION else 0.05)
    assert np.isnan(unseen).any()
    assert made.model.trees == (identity() if LIBRARY.exists() else None)  # equal to the last bit


def test_the_model_is_better_than_the_baselines(made: Made) -> None:
    metrics = made.model.metrics
    assert metrics[ERROR] < metrics[f"baseline_{ERROR}"]
    if IS_CLASSIFICATION:
        assert metrics["ece"] < 0.1
        assert metrics["roc_auc"] > 0.85
        assert 0 < metrics["brier"] < 0.2
        assert metrics["accuracy"] > 0.75
        assert metrics["logistic_log_loss"] < metrics["baseline_log_loss"]
    else:
        assert metrics["rmse"] < 0.8 * metrics["linear_rmse"] < metrics["baseline_rmse"]
        assert metrics["coverage"] == pytest.approx(0.9, abs=0.05)


def test_outputs_lie_within_their_bounds(made: Made) -> None:
    predictions = score(made.model.model, Rows.of(table(2_000, 3)).features)
    if IS_CLASSIFICATION:
        assert OUTPUTS == ("probability",)
        assert 0 < predictions.price.min() < predictions.price.max() < 1
        return
    assert (predictions.lower <= predictions.price).all()
    assert (predictions.price <= predictions.upper).all()
    targets = made.rows.fitting.prices
    assert predictions.lower.min() >= np.float32(targets.min())
    assert predictions.lower.min() < 0
    assert predictions.upper.max() <= np.float32(targets.max())


def test_the_graph_has_an_input_for_each_column_with_its_type(one: Made) -> None:
    session = open_session(one.model.model)
    types = {given.name: given.type.removeprefix("tensor(")[:-1] for given in session.get_inputs()}
    assert types == {
        "v1": "float",
        "count": "int64",
        "size": "float",
        "is_new": "bool",
        "is_loud": "float",
        "grade": "string",
        "colour": "string",
        "town": "string",
    }
    assert [output.name for output in session.get_outputs()] == list(OUTPUTS)


def test_an_unknown_text_is_other_and_no_text_is_missing(one: Made) -> None:
    session = open_session(one.model.model)
    rows = Rows.of(table(3, 1)).features
    rows[:, FEATURE_NAMES.index("colour")] = [2, 2, np.nan]
    given = graph_inputs(rows)
    assert given["colour"].tolist() == ["other", "other", ""]

    [expected, *_] = session.run(None, given)
    [strange, *_] = session.run(None, given | {"colour": np.array(["mauve", "", ""], object)})

    assert strange[0] == expected[0]
    assert strange[2] == expected[2]
    columns = one.model.fitted.pipeline[STEP].transform(rows)
    by_name = dict(zip(column_names(), columns.T, strict=True))
    assert by_name["colour is another"].tolist() == [1, 1, 0]
    assert by_name["colour is missing"].tolist() == [0, 0, 1]


def test_a_long_category_is_one_mean_of_other_rows(one: Made) -> None:
    names = column_names()
    assert "mean of town" in names
    assert not any(name.startswith("town is") for name in names)
    step = one.model.fitted.pipeline[STEP]
    [of_levels] = step.tables_
    town = FEATURES[FEATURE_NAMES.index("town")]
    assert len(of_levels) == town.other + 2
    own = type(step)(seed=0).fit_transform(one.rows.fitting.features, one.rows.fitting.prices)
    means = own[:, names.index("mean of town")]
    codes = one.rows.fitting.features[:, FEATURE_NAMES.index("town")].astype(int)
    assert np.ptp(means[codes == 3]) > 0  # each fold has a mean of the others
    assert abs(means[codes == 3].mean() - of_levels[3]) < 0.3 * np.std(one.rows.fitting.prices)


def test_quotients_by_zero_and_of_missing_values_are_numbers(one: Made) -> None:
    features = one.model.fitted.pipeline[STEP].transform(Rows.of(table(500, 2)).features)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("engine", ["scikit-learn", "lightgbm"])
def test_the_number_of_processes_changes_no_bit(engine: EngineName) -> None:
    rows = Rows.of(table(600))
    recipe = replace(SETTINGS.recipe(), engine=engine, iterations=10)
    with worker_processes(2, engine) as workers:
        together = export(fit(rows, recipe, workers=workers))
    assert together == export(fit(rows, recipe))


def test_a_graph_of_another_model_is_refused(one: Made) -> None:
    other = fit(one.rows.holdout, replace(SETTINGS.recipe(), iterations=10))
    with pytest.raises(ParityError):
        check_parity(one.model.model, other, one.rows.holdout.features, **LIMITS)


def test_card_and_figures_have_the_subjects_words(one: Made) -> None:
    described_as = described(one.model, one.snapshot, one.rows, SETTINGS, InThisProcess())
    card = card_of(one.model, one.snapshot, one.rows, None, one.model.metrics)

    assert set(described_as.figures) == {"calibration.png", "learning_curves.png"}
    assert "spatial_rmse" not in described_as.metrics
    assert f"# {SUBJECT.title}" in card
    assert "$100,000" not in card
    assert "grade is high" in card
    assert "colour is missing" in card
    assert ("log loss" in card) == IS_CLASSIFICATION
    curve = described_as.figures["learning_curves.png"].axes[0].lines[1].get_ydata()
    assert float(np.asarray(curve)[-1]) == pytest.approx(one.model.metrics[ERROR], rel=0.01)


def test_the_gate_promotes_the_better_and_names_the_error(one: Made) -> None:
    held = one.rows.holdout
    good = one.model.predictions.price
    bad = np.full(len(held), held.prices.mean()) * 0.9
    rules = SETTINGS.gate_rules()

    better = judge(good, bad, held, rules, champion_version="1")
    worse = judge(bad, good, held, rules, champion_version="1")

    assert (better.promote, worse.promote) == (True, False)
    title = "log loss" if IS_CLASSIFICATION else "RMSE"
    assert better.reason.startswith(title)
    assert better.challenger_error == pytest.approx(one.model.metrics[ERROR])
    assert (better.challenger_rmse is None) == IS_CLASSIFICATION
    assert (better.challenger_log_loss is None) == (not IS_CLASSIFICATION)
    assert {"highest quarter", "grade is high", "is_new is true"} <= {
        slice_.name for slice_ in better.slices
    }
    baseline = one.model.metrics[f"baseline_{ERROR}"]
    assert judge_first(good, held.prices, baseline=baseline, because="the first").promote


def held_with(new: Rows, one: Made) -> Hold:
    known = Rows.of(one.snapshot.rows)
    judges = one.snapshot.is_held_out
    held = one.rows.holdout

    def priced(rows: Rows) -> Priced:
        return Priced(without_gaps(rows, known), score(one.model.model, rows.features))

    return examine(
        NewData(priced(new), np.zeros(len(new), np.int64), np.zeros(len(new), bool)),
        KnownData(priced(held), without_gaps(known, known), judges),
        Table.of(without_gaps(known, known), FEATURE_NAMES, []),
        SETTINGS.hold_rule(),
    )


def test_rows_with_wrong_targets_are_held(one: Made) -> None:
    wrong = table(400, 12)
    wrong[:, -1] = 1 - wrong[:, -1] if IS_CLASSIFICATION else wrong[:, -1] + 2_000

    hold = held_with(Rows.of(wrong), one)

    assert hold.uploads == (0,)
    assert ("less likely" if IS_CLASSIFICATION else "half intervals") in hold.reason


def test_copies_are_held_and_honest_rows_are_not(one: Made) -> None:
    honest = held_with(Rows.of(table(400, 11)), one)
    copied = one.snapshot.rows[:400].copy()
    copied[:, 0] *= 1.001
    copies = held_with(Rows.of(copied), one)

    assert not honest.is_held, honest.reason
    assert "copies" in copies.reason


@pytest.mark.skipif(IS_CLASSIFICATION, reason="of a regression")
def test_few_rows_grow_small_trees(one: Made) -> None:
    few = fit(one.rows.fitting.take(np.arange(len(one.rows.fitting)) < 300), SETTINGS.recipe())

    def leaves(fitted: Any) -> int:
        [first, *_] = fitted.pipeline[MODEL].averaged_
        return max(int(tree.get_n_leaf_nodes()) for [tree] in first._predictors)

    assert leaves(few) == 8
    assert leaves(one.model.fitted) == SETTINGS.max_leaves


def test_too_few_rows_are_refused_with_a_sentence(one: Made) -> None:
    rows = one.rows.holdout.take(np.arange(len(one.rows.holdout)) < 15)
    with pytest.raises(TooFewRowsError, match="true and" if IS_CLASSIFICATION else "too few"):
        fit(rows, SETTINGS.recipe())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of MLflow's own database
def test_mlflow_answers_a_file_as_pandas_reads_it_as_the_graph_does(
    one: Made, tmp_path: Path
) -> None:
    values = table(200, 5)
    written = pd.DataFrame(
        {column.name: cells(values[:, place], column) for place, column in enumerate(FEATURES)}
    )
    as_texts = written.assign(is_new=written["is_new"].map({"true": "Yes", "false": "no"}))
    as_numbers = written.assign(is_loud=written["is_loud"].map({"true": 1, "false": 0}))
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_experiment("subject")
    with mlflow.start_run():
        logged = log_graph(one.model.model)

    loaded = mlflow.pyfunc.load_model(logged.model_uri)

    expected = score(one.model.model, Rows.of(values).features)
    for form in (written, as_texts, as_numbers):
        frame = pd.read_csv(io.StringIO(form.to_csv(index=False)))
        answers = loaded.predict(frame.iloc[50:])
        assert list(answers.columns) == list(OUTPUTS)
        np.testing.assert_array_equal(answers[OUTPUTS[0]].to_numpy(np.float64), expected.price[50:])
    graph = mlflow.onnx.load_model(logged.model_uri)
    assert graph.SerializeToString() == one.model.model
    inputs = {
        one.name: str(one.type).lower().removeprefix("datatype.")
        for one in loaded.metadata.get_input_schema()
    }
    assert inputs == {
        **dict.fromkeys(("v1", "size"), "double"),
        **dict.fromkeys(("is_new", "is_loud"), "any"),
        **dict.fromkeys(("grade", "colour", "town"), "string"),
        "count": "long",
    }


def test_the_trees_are_nodes_of_the_regressor(one: Made) -> None:
    graph = onnx.load_model_from_string(one.model.model).graph
    operators = {node.op_type for node in graph.node}
    assert "TreeEnsembleRegressor" in operators
    assert "TreeEnsembleClassifier" not in operators
    assert TARGET.name not in {given.name for given in graph.input}


def csv_of(values: Values) -> bytes:
    columns = [(column, values[:, place]) for place, column in enumerate(CANONICAL_COLUMNS)]
    frame = pd.DataFrame({column.name: cells(of, column) for column, of in columns})
    return frame.to_csv(index=False).encode()


def cells(values: Values, column: Column) -> Any:
    if column.kind == "category":
        named = [*column.categories, "strange"]
        return pd.Series(["" if np.isnan(code) else named[int(code)] for code in values])
    if column.kind == "boolean":
        return pd.Series(values).map({0.0: "false", 1.0: "true"})
    return pd.Series(values).round().astype(int) if column.kind == "integer" else values


def test_a_job_takes_a_file_to_production_and_refuses_a_worse_one(
    context: JobContext,
    put_upload: Callable[..., Upload],
    jobs: JobStore,
    registry: FakeModelRegistry,
) -> None:
    first = put_upload(csv_of(table(1_200)), "first.csv")
    assert run(first, context) == State.SUCCEEDED
    status = jobs.load(first.job_id)
    assert status.rows is not None
    assert status.rows.accepted == 1_200
    assert status.verdict is not None
    assert status.verdict.promote, status.verdict.reason
    version = registry.version_by_alias(PRODUCTION)
    assert f"metric.{ERROR}" in version.tags
    assert f"gate.challenger_{ERROR}" in version.tags
    assert "## Gate" in version.description
    assert status.metrics[ERROR] == pytest.approx(status.verdict.challenger_error, rel=1e-5)

    wrong = table(1_200, 1)
    wrong[:, -1] = np.random.default_rng(0).permutation(wrong[:, -1])
    second = put_upload(csv_of(wrong), "second.csv")

    assert run(second, context) == State.HELD

    status = jobs.load(second.job_id)
    assert not status.promoted, status.reason
    assert registry.version_by_alias(PRODUCTION).version == "1"
    assert status.live is not None
    assert (status.live.log_loss if IS_CLASSIFICATION else status.live.rmse) is not None


def test_metrics_of_a_job_name_its_error() -> None:
    loss = {names.CHALLENGER_LOG_LOSS, names.CHAMPION_LOG_LOSS, names.LIVE_LOG_LOSS}
    squared = {names.CHALLENGER_RMSE, names.CHAMPION_RMSE, names.LIVE_RMSE}
    assert (loss if IS_CLASSIFICATION else squared) <= UNITS.keys()
    assert not (squared if IS_CLASSIFICATION else loss) & UNITS.keys()
