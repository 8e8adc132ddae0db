"""From distances to an answer: calibrated probability, thresholds, known, unsure, unknown."""
