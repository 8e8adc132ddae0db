"""What Koch, Zemel and Salakhutdinov 2015 print in their tables 1 to 3, in percent."""

from __future__ import annotations

__all__ = ["EPOCHS", "ONE_SHOT", "ON_DIGITS", "PAIRS", "VERIFICATION"]

EPOCHS = 200  # at most; training stopped where validation did not improve in 20 of them
PAIRS = {"30k": 30_000, "90k": 90_000, "150k": 150_000}

# Table 1, accuracy on pairs of the test alphabets, by pairs and whether they were distorted.
VERIFICATION = {
    ("30k", False): 90.61,
    ("30k", True): 91.90,
    ("90k", False): 91.54,
    ("90k", True): 93.15,
    ("150k", False): 91.63,
    ("150k", True): 93.42,
}

# Table 2, 20-way one-shot on the test alphabets; the Siamese network is that of 150k, distorted.
ONE_SHOT = {
    "humans": 95.5,
    "hierarchical Bayesian program learning": 95.2,
    "convolutional Siamese network": 92.0,
    "affine model": 81.8,
    "hierarchical deep": 65.2,
    "deep Boltzmann machine": 62.0,
    "dense Siamese network": 58.3,
    "simple stroke": 35.2,
    "1-nearest neighbour": 21.7,
}

# Table 3, 10-way one-shot on MNIST, which nothing was trained on.
ON_DIGITS = {"1-nearest neighbour": 26.5, "convolutional Siamese network": 70.3}
