"""Everything that needs PyTorch (the extra `train`), and nothing outside it does."""
