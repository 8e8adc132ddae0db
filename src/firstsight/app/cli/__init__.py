"""The command line: verbs, data on standard output, messages on standard error."""
