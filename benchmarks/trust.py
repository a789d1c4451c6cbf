"""``make bench-trust``: honest and crafted uploads, and which of them wait for a person.

A champion is fitted on three quarters of the data set; uploads are made of the last quarter, or of
rows that the champion knows. Each is put into a data set of its own, as a job does it, and the hold
rule is asked. The champion is a smaller model than the job's: one of 150 trees.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import report
from housing.registry.port import ModelVersion
from housing.schema import FEATURE_NAMES, PLACE
from housing_cli.data.sources import first_data
from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.rows import Rows, Values, distinct
from retrain.training.dataset.snapshot import UploadedRows, snapshot_of
from retrain.training.gate.champion import Champion
from retrain.training.gate.hold import Hold
from retrain.training.graph.export import export
from retrain.training.job.training_data import examined
from retrain.training.model.fit import fit
from retrain.training.settings import TrainingSettings
from retrain.training.upload.check import check_csv
from subjects.california.schema import TARGET_CAP

_SEED = int(os.environ.get("SEED", "0"))
_DRAWS = int(os.environ.get("DRAWS", "200"))
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_PLACE = [FEATURE_NAMES.index(name) for name in PLACE]
_RATIOS = [FEATURE_NAMES.index(name) for name in ("MedInc", "AveRooms", "AveBedrms", "AveOccup")]
_ROOMS = FEATURE_NAMES.index("AveRooms")
_AGE = FEATURE_NAMES.index("HouseAge")
_POPULATION = FEATURE_NAMES.index("Population")
_TOWNS = {
    "Los Angeles": (34.05, -118.24),
    "San Francisco": (37.77, -122.42),
    "Berkeley": (37.88, -122.23),
    "San Diego": (32.72, -117.16),
    "Fresno": (36.74, -119.79),
    "Sacramento": (38.58, -121.49),
}
_LEFT_OUT = {"Bakersfield": (35.37, -119.02), "Santa Cruz": (36.97, -122.03)}
_POISONS = {
    "at $15,000": 0.0,
    "at half the price": 0.5,
    "at .7 of it": 0.7,
    "at twice the price": 2.0,
}
_LEAST_PRICE = 0.15
_OLD, _FEW = 45, 500


@dataclass(frozen=True, slots=True)
class Case:
    """One or more uploads, one after the other, and whether they are honest."""

    name: str
    uploads: list[Values]
    is_honest: bool


def main() -> None:
    """Measure, print and write down."""
    with TemporaryDirectory() as scratch:
        given = os.environ.get("DATA") or os.environ.get("HOUSING_DATA")
        data = first_data(Path(given) if given else None, Path(scratch), fetch=lambda _: False)
        values = distinct(check_csv(data.path.read_bytes()).rows)[0]
    rng = np.random.default_rng(_SEED)
    order = rng.permutation(len(values))
    base, pool = values[order[: 3 * len(values) // 4]], values[order[3 * len(values) // 4 :]]
    bench = _Bench(base)
    rows = [
        bench.measured(case) for case in (*_honest(base, pool, rng), *_crafted(base, pool, rng))
    ]
    rows += [row for without, cases in _unseen(values[order]) for row in without.all(cases)]
    drawn = [bench.measured(case) for case in _resampled(pool, rng)]
    results = {
        "rows": len(values),
        "cases": rows,
        "draws": len(drawn),
        "held_draws": sum(one["held"] for one in drawn),
        "highest_score_of_draws": max(one["score"] for one in drawn),
    }
    text = _text(results)
    print(text)
    report.write("trust", results, text)


class _Bench:
    """A champion and the rows that it was made of."""

    def __init__(self, base: Values) -> None:
        self._key = HoldoutKey(b"bench-trust", 0.2)
        self._base = self._uploaded("base", base, 0)
        settings = TrainingSettings.model_validate(
            {
                "bucket": "bench",
                "tracking_uri": "http://127.0.0.1:1",
                "iterations": 150,
                "models": 1,
            }
        )
        self._rule = settings.hold_rule()
        snapshot, _ = snapshot_of([self._base], self._key)
        fitting = Rows.of(snapshot.rows[~snapshot.is_held_out])
        version = ModelVersion("bench", "1", "run", _NOON)
        model = export(fit(fitting, settings.recipe()))
        self._champion = Champion(version, model, "", frozenset({"base"}), needs_stand_in=False)

    def all(self, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """Measure some cases."""
        return [self.measured(case) for case in cases]

    def measured(self, case: Case) -> dict[str, Any]:
        """Add a case's uploads one by one, until one is held."""
        uploads = [self._base]
        hold, counts = None, None
        for number, rows in enumerate(case.uploads, start=1):
            uploads.append(self._uploaded(f"upload-{number}", rows, number))
            snapshot, arrivals = snapshot_of(uploads, self._key)
            counts = arrivals[f"upload-{number}"]
            hold = examined(snapshot, self._champion, released=(), rule=self._rule)
            if hold and hold.is_held:
                break
        return {
            "case": case.name,
            "honest": case.is_honest,
            "rows": sum(map(len, case.uploads)),
            "new": counts.new if counts else 0,
            "known": counts.known if counts else 0,
            **_figures(hold),
        }

    @staticmethod
    def _uploaded(job_id: str, rows: Values, number: int) -> UploadedRows:
        moment = _NOON + timedelta(hours=number)
        return UploadedRows(job_id, job_id, distinct(rows)[0], "bench", moment)


def _figures(hold: Hold | None) -> dict[str, Any]:
    if hold is None:  # no row is new
        return {"held": False, "score": None, "miss_share": None, "copy_share": None}
    return {
        "held": hold.is_held,
        "score": hold.score,
        "miss_share": hold.miss_share,
        "copy_share": hold.copy_share,
    }


def _honest(base: Values, pool: Values, rng: np.random.Generator) -> Iterator[Case]:
    def case(name: str, rows: Values) -> Case:
        return Case(name, [rows], is_honest=True)

    for count in (1, 10, 50, 154, 774, 2_580):
        yield case(f"{count:,} rows at random", pool[rng.permutation(len(pool))[:count]])
    for town, place in _TOWNS.items():
        yield case(f"the 200 rows nearest to {town}", pool[_nearest(pool, place)[:200]])
    yield case("the dearest tenth", pool[pool[:, -1] >= np.quantile(pool[:, -1], 0.9)])
    yield case("the cheapest tenth", pool[pool[:, -1] <= np.quantile(pool[:, -1], 0.1)])
    yield case("houses of 45 years and more", pool[pool[:, _AGE] >= _OLD])
    yield case("under 500 people", pool[pool[:, _POPULATION] < _FEW])
    for share in (0.05, 0.1):
        noisy = pool[rng.permutation(len(pool))[:774]].copy()
        noisy[:, -1] *= rng.normal(1, share, len(noisy))
        yield case(f"774 rows, prices with {share:.0%} of noise", noisy)
    yield case("the champion's rows to 4 digits", _digits(base, 4))


def _crafted(base: Values, pool: Values, rng: np.random.Generator) -> Iterator[Case]:
    def case(name: str, *uploads: Values) -> Case:
        return Case(name, list(uploads), is_honest=False)

    for town, place in _TOWNS.items():
        for poison, factor in _POISONS.items():
            rows = _poisoned(pool, place, 50, factor, rng)
            yield case(f"50 rows in {town} {poison}", rows)
    berkeley = _poisoned(pool, _TOWNS["Berkeley"], 250, 0.0, rng)
    twins = base[: len(base) // 5].copy()
    twins[:, _ROOMS] += 1e-6
    yield case(
        "a fifth of the known rows + 1e-6, 250 rows at $15,000", np.vstack([twins, berkeley])
    )
    mixed = np.vstack([pool[rng.permutation(len(pool))[:774]], berkeley[:20]])
    yield case("20 rows at $15,000 among 774 honest ones", mixed)
    yield case("the same 40 rows in ten uploads of 4", *np.split(berkeley[:40], 10))
    wide = pool[rng.permutation(len(pool))[:774]].copy()
    wide[: len(wide) // 5, -1] = _LEAST_PRICE
    yield case("774 rows, a fifth at $15,000 all over the state", wide)
    copies = base[rng.permutation(len(base))[:2_000]].copy()
    near = copies.copy()
    near[:, _RATIOS] *= 1 + 0.03 * rng.choice([-1, 1], (len(near), len(_RATIOS)))
    yield case("2,000 known rows, four columns 3 % off", near)
    moved = near.copy()
    moved[:, _PLACE] += 0.015 * rng.choice([-1, 1], (len(moved), 2))
    yield case("the same, moved by .015°", moved)
    for count, factor in ((154, 1.08), (774, 1.08), (774, 0.92), (2_580, 1.08)):
        market = pool[rng.permutation(len(pool))[:count]].copy()
        market[:, -1] = np.minimum(market[:, -1] * factor, TARGET_CAP)
        verb = "rose" if factor > 1 else "fell"
        yield case(f"{count:,} rows of a market that {verb} by 8 %", market)


def _unseen(values: Values) -> Iterator[tuple[_Bench, list[Case]]]:
    """Leave a tenth of the prices, or a region, out of the champion; upload rows of it."""
    prices = values[:, -1]
    bands = {
        "dearest": prices >= np.quantile(prices, 0.9),
        "cheapest": prices <= np.quantile(prices, 0.1),
    }
    for name, is_left in bands.items():
        rows = values[is_left]
        cases = [
            Case(f"{count} of the {name} tenth, new to production", [rows[:count]], is_honest=False)
            for count in (154, 774)
        ]
        yield _Bench(values[~is_left]), cases
    for name, place in _LEFT_OUT.items():
        order = _nearest(values, place)
        region, others = values[order[:500]], values[np.sort(order[500:])]
        yield (
            _Bench(others),
            [Case(f"500 rows of {name}, new to production", [region], is_honest=True)],
        )


def _resampled(pool: Values, rng: np.random.Generator) -> Iterator[Case]:
    """Draw honest uploads: at random, and around places."""
    for number in range(_DRAWS):
        count = int(rng.choice([10, 20, 50, 200, 500, 774]))
        place = pool[rng.integers(len(pool))][_PLACE]
        near, anywhere = _nearest(pool, tuple(place)), rng.permutation(len(pool))
        rows = (near if number % 2 else anywhere)[:count]
        yield Case(f"draw {number}", [pool[rows]], is_honest=True)


def _nearest(rows: Values, place: tuple[float, float]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.argsort(((rows[:, _PLACE] - np.array(place)) ** 2).sum(axis=1))


def _poisoned(
    pool: Values, place: tuple[float, float], count: int, factor: float, rng: np.random.Generator
) -> Values:
    """Take rows of the town, put them around one place, and change their prices."""
    rows = pool[_nearest(pool, place)[:count]].copy()
    rows[:, _PLACE] = np.array(place) + rng.uniform(-0.012, 0.012, (len(rows), 2))
    rows[:, -1] = np.clip(rows[:, -1] * factor, _LEAST_PRICE, TARGET_CAP)
    return rows


def _digits(values: Values, digits: int) -> Values:
    sizes = 10.0 ** (digits - 1 - np.floor(np.log10(np.maximum(np.abs(values), 1e-9))))
    written: Values = np.round(values * sizes) / sizes
    return written


def _text(results: dict[str, Any]) -> str:
    def cells(row: dict[str, Any]) -> list[str]:
        score = "" if row["score"] is None else f"{row['score']:.1f}"
        shares = ["" if row[name] is None else f"{row[name]:.1%}" for name in _SHARES]
        held = "held" if row["held"] else "not held"
        return [row["case"], f"{row['rows']:,}", f"{row['new']:,}", held, score, *shares]

    heads = ["", "rows", "new", "", "score", "misses", "copies"]
    parts = []
    for name, is_honest in (("Honest", True), ("Crafted, or to be looked at", False)):
        rows = [row for row in results["cases"] if row["honest"] == is_honest]
        held = sum(row["held"] for row in rows)
        table = report.table(heads, [cells(row) for row in rows])
        parts.append(f"{name}: {held} of {len(rows)} are held.\n\n{table}")
    draws = (
        f"Of {results['draws']} honest uploads drawn again {results['held_draws']} are held; the "
        f"highest score of them is {results['highest_score_of_draws']:.1f}."
    )
    return "\n\n".join([*parts, draws])


_SHARES = ("miss_share", "copy_share")

if __name__ == "__main__":
    main()
