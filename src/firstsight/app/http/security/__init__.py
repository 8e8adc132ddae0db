"""Who may ask, from where, and what browsers are told: keys, sessions, hosts, headers."""
