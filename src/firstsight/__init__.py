"""Recognise things from one picture."""
