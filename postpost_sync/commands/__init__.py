"""One module a command: each takes plain values, prints, and returns an exit status."""
