"""Use cases, and the ways in: Python, the command line, later the page and the API."""
