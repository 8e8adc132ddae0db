"""The web page: server-rendered, on the same desks as the API; no host but this one is asked."""
