"""The config file: where it is found, what it may hold, and what is wrong with it."""
