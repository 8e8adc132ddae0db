"""Our curves against scikit-learn's, which only the learning environment has."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve

from firstsight.metrics import roc
from firstsight.metrics.calibration import fit_calibration

RNG = np.random.default_rng(0)
GENUINE = np.round(RNG.gamma(2, 1, 400), 1)  # rounded: many ties
IMPOSTOR = np.round(RNG.gamma(5, 1, 700), 1)
DISTANCE = np.concatenate([GENUINE, IMPOSTOR])
SAME = np.repeat([1, 0], [len(GENUINE), len(IMPOSTOR)])


def test_the_area_is_that_of_scikit_learn() -> None:
    assert np.isclose(roc.area_under_curve(GENUINE, IMPOSTOR), roc_auc_score(SAME, -DISTANCE))


def test_the_curve_is_that_of_scikit_learn() -> None:
    false, true, thresholds = roc_curve(SAME, -DISTANCE, drop_intermediate=False)
    ours = roc.roc_curve(GENUINE, IMPOSTOR)
    np.testing.assert_allclose(ours.false_match_rate, false)
    np.testing.assert_allclose(ours.true_match_rate, true)
    np.testing.assert_allclose(ours.thresholds, -thresholds)


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    ours = roc.accuracy_at(GENUINE, IMPOSTOR, 3.0).balanced
    assert np.isclose(ours, balanced_accuracy_score(SAME, DISTANCE <= 3.0))


def test_calibration_of_many_balanced_pairs_is_a_plain_logistic_regression() -> None:
    rng = np.random.default_rng(1)
    genuine, impostor = rng.normal(1, 1, 20_000), rng.normal(2, 1, 20_000)
    plain = LogisticRegression(C=np.inf, tol=1e-8).fit(
        np.concatenate([genuine, impostor])[:, None], np.repeat([1, 0], 20_000)
    )
    ours = fit_calibration(genuine, impostor)
    # Platt's targets differ from 0 and 1 by 1/20,002 here.
    assert np.isclose(ours.slope, plain.coef_[0, 0], rtol=2e-3)
    assert np.isclose(ours.intercept, plain.intercept_[0], rtol=2e-3)
