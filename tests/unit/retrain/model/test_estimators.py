"""The estimators are scikit-learn's, as far as its own checks apply.

Its other checks fit tables of any width; these estimators want the eight columns of the schema.
"""

import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils import estimator_checks

from retrain.training.model.families.neighbours import NeighbourFeatures
from retrain.training.model.features import OwnFeatures
from retrain.training.model.regressor import GatedRegressor

TREES = HistGradientBoostingRegressor()
ESTIMATORS = [
    OwnFeatures(),
    NeighbourFeatures(),
    GatedRegressor(TREES, TREES, models=2, far_columns=[0], distance_column=1, known_share=0.9),
]
CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_unfitted",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_it_passes_the_checks_that_need_no_table(estimator: object, check: str) -> None:
    getattr(estimator_checks, check)(type(estimator).__name__, estimator)
