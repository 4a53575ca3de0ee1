"""The tests, and the benchmarks, which are run by name: `python -m tests.bench.scan`."""
