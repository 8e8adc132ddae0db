"""Which pictures meet: seeded indices of batches, pairs and episodes; no pictures in here."""
