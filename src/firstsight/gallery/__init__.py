"""The gallery: things a person showed us, their photos and vectors, kept in one SQLite file."""
