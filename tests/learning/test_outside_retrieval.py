"""Retrieval against pytorch-metric-learning's calculator, on the same embeddings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

from firstsight.evaluation.ranking import rank
from firstsight.similarity import Cosine, Euclidean, Head


@pytest.mark.parametrize(
    ("head", "distance"),
    [(Euclidean(), LpDistance(normalize_embeddings=False)), (Cosine(), CosineSimilarity())],
)
def test_figures_are_those_of_pytorch_metric_learning(head: Head, distance: object) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 40, 600)  # classes of different sizes
    centres = rng.normal(size=(40, 16))
    embeddings = centres[labels] + rng.normal(size=(600, 16))
    calculator = AccuracyCalculator(
        include=("precision_at_1", "r_precision", "mean_average_precision_at_r"),
        k="max_bin_count",
        knn_func=CustomKNN(distance, batch_size=100),
    )
    theirs = calculator.get_accuracy(torch.tensor(embeddings), torch.tensor(labels))
    ours = rank(embeddings, labels, head)
    assert ours.precision_at_1.mean() == pytest.approx(theirs["precision_at_1"], abs=1e-12)
    assert ours.r_precision.mean() == pytest.approx(theirs["r_precision"], abs=1e-12)
    assert ours.average_precision.mean() == pytest.approx(
        theirs["mean_average_precision_at_r"], abs=1e-12
    )
    assert 0.2 < ours.average_precision.mean() < 0.8  # neither nothing nor everything
