"""Neighbours: exact, never the row itself, and capped."""

import numpy as np
import onnxruntime as ort
import pytest
from sklearn.base import clone

from fakes.tables import housing_table
from housing.schema import FEATURE_NAMES
from retrain.training.dataset.rows import Rows
from retrain.training.graph.onnx_ops import OnnxWriter
from retrain.training.model.families import geographic, neighbours
from retrain.training.model.families.geographic import PlaceFeatures
from retrain.training.model.families.neighbours import (
    NEIGHBOUR_NAMES,
    NeighbourFeatures,
    nearest_rows,
    regions_of,
    table_of,
)
from retrain.training.model.features import (
    GEOGRAPHY,
    OWN_NAMES,
    OwnFeatures,
    city_points,
    coast_points,
    own_features,
    plane,
    points,
)
from retrain.training.model.tensor_ops import Floats, NumpyOps

OPS = NumpyOps()


def rows(count: int, seed: int = 0) -> Rows:
    return Rows.of(housing_table(count, seed).to_numpy())


def column(features: Floats, name: str) -> Floats:
    values: Floats = features[:, NEIGHBOUR_NAMES.index(name)]
    return values


def test_regions_find_nearly_all_of_the_nearest_rows() -> None:
    trained, asked = rows(4_000), rows(500, 1)
    table = table_of(trained.features, trained.prices, seed=0)
    places = points(OPS, asked.features)

    squares, nearest = nearest_rows(OPS, places, regions_of(table), 50)

    offsets = places[:, np.newaxis] - table.places
    truth = np.sort((offsets**2).sum(axis=2), axis=1)[:, :50]
    assert nearest.shape == (500, 50)
    assert np.mean(np.isclose(squares[:, :10], truth[:, :10], rtol=1e-4)) > 0.99
    assert np.mean(np.isclose(squares, truth, rtol=1e-4)) > 0.9
    assert (np.diff(squares, axis=1) >= 0).all()


def test_a_rows_own_price_is_not_among_its_features() -> None:
    trained = rows(400)
    noise = Rows(trained.features, np.random.default_rng(0).normal(size=400))

    fitted = NeighbourFeatures().fit_transform(noise.features, noise.prices)
    asked_again = NeighbourFeatures().fit(noise.features, noise.prices).transform(noise.features)

    def correlation(features: Floats) -> float:
        return float(np.corrcoef(column(features, "price_of_3"), noise.prices)[0, 1])

    assert abs(correlation(fitted)) < 0.2
    assert correlation(asked_again) > 0.5  # the test can tell a leak


def test_the_prices_around_a_place_are_averaged_by_nearness() -> None:
    table = housing_table(300)
    table["MedHouseVal"] = np.where(table["Latitude"] > 37, 4.0, 1.0)
    north_and_south = Rows.of(table.to_numpy())
    asked = north_and_south.features[:2].copy()
    asked[0, 6:], asked[1, 6:] = (41, -120), (33, -118)

    fitted = NeighbourFeatures().fit(north_and_south.features, north_and_south.prices)
    features = fitted.transform(asked)

    assert column(features, "price_of_5").tolist() == pytest.approx([4, 1], abs=1e-5)
    assert column(features, "price_min_of_10").tolist() == pytest.approx([4, 1])
    assert column(features, "price_std_of_10").tolist() == pytest.approx([0, 0], abs=1e-3)


def test_no_more_rows_are_kept_than_may_be() -> None:
    many = rows(900)

    transformer = NeighbourFeatures(most_rows=100)
    features = transformer.fit_transform(many.features, many.prices)

    assert len(transformer.table_) == 100
    assert features.shape == (900, len(NEIGHBOUR_NAMES))
    assert np.isfinite(features).all()


@pytest.mark.parametrize("count", [1, 2, 3, 33, 70])
def test_a_few_rows_are_neighbours_too(count: int) -> None:
    few = rows(count)

    features = NeighbourFeatures().fit(few.features, few.prices).transform(rows(5, 9).features)

    assert np.isfinite(features).all()


@pytest.mark.parametrize("transformer", [OwnFeatures(), NeighbourFeatures(folds=3)])
def test_transformers_are_scikit_learns(transformer: OwnFeatures | NeighbourFeatures) -> None:
    some = rows(60)
    copy = clone(transformer)
    before = copy.get_params()

    features = copy.fit_transform(some.features, some.prices)

    assert features.dtype == np.float32
    assert len(copy.get_feature_names_out()) == features.shape[1]
    assert copy.get_params() == before
    assert (clone(copy).fit_transform(some.features, some.prices) == features).all()


def test_the_features_do_not_depend_on_how_many_rows_are_looked_up_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained = rows(900)
    features = PlaceFeatures(NeighbourFeatures(most_rows=300, folds=4))
    asked = rows(200, 1).features
    whole = features.fit_transform(trained.features, trained.prices), features.transform(asked)

    monkeypatch.setattr(neighbours, "_CHUNK_ROWS", 50)
    monkeypatch.setattr(geographic, "_PIECE_ROWS", 60)
    in_pieces = features.fit_transform(trained.features, trained.prices), features.transform(asked)

    assert all(np.array_equal(*pair) for pair in zip(whole, in_pieces, strict=True))


def test_own_features_measure_what_their_names_say() -> None:
    fresno = rows(1).features.copy()
    fresno[0] = [3, 20, 6, 1.5, 900, 3, 36.74, -119.79]

    features = dict(zip(OWN_NAMES, OwnFeatures().fit_transform(fresno)[0].tolist(), strict=True))

    assert features["km_to_fresno"] == 0
    assert features["km_to_san_francisco"] == pytest.approx(260, rel=0.02)
    assert features["km_to_coast"] == pytest.approx(180, rel=0.1)
    assert (features["bedrooms_per_room"], features["rooms_per_person"]) == (0.25, 2)
    assert features["households"] == 300
    assert [features[name] for name in FEATURE_NAMES] == pytest.approx(fresno[0].tolist())


def test_the_coast_has_no_gaps_and_the_cities_are_where_they_are() -> None:
    coast = coast_points()

    assert np.linalg.norm(np.diff(coast, axis=0), axis=1).max() <= 5.0 + 1e-9
    assert len(city_points()) == len(GEOGRAPHY.cities)
    apart = np.linalg.norm(np.diff(plane(np.array([[37.0, -120.0], [38.0, -120.0]])), axis=0))
    assert apart == pytest.approx(111.2)


def test_the_graph_has_the_fits_features_to_the_last_bit() -> None:
    """One bit at a tree's threshold is another leaf: an error of one row in 40,000, of $9,000."""
    table = housing_table(6_000, seed=3).to_numpy()
    fitting, asked = Rows.of(table[:3_000]), Rows.of(table[3_000:])
    neighbours = NeighbourFeatures().fit(fitting.features, fitting.prices)
    writer = OnnxWriter()
    rows = writer.input("features", asked.features.shape[1])
    places = points(writer, rows)
    joined = writer.concat(
        [own_features(writer, rows, places), neighbours.of_points(writer, rows, places)], axis=1
    )
    names = [*OWN_NAMES, *neighbours.get_feature_names_out()]
    for place, name in enumerate(names):
        writer.output(name, writer.take(joined, [place], axis=1))

    session = ort.InferenceSession(writer.model().SerializeToString())
    in_graph = np.hstack(session.run(None, {"features": asked.features}))

    of_fit = np.hstack(
        [OwnFeatures().fit_transform(asked.features), neighbours.transform(asked.features)]
    )
    differing = (in_graph != of_fit).sum(axis=0)
    assert {name: count for name, count in zip(names, differing, strict=True) if count} == {}
