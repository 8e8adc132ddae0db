"""The HTTP server: an API, and what the page stands on. Needs the extra `serve`."""
