"""How good a model is: protocols that take an `embed` callable and a comparison head."""
