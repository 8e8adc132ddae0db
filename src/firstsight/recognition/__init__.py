"""Enroll once, recognise ever after: a model and a gallery, joined."""
