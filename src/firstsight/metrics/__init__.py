"""Figures computed from distances and outcomes, with numpy alone."""
