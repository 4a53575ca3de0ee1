"""The tests, laid out as the package is: `tests/<room>/` tests `postpost_sync/<room>/`.

- `scenarios/`: all of it in one process, with a clock that is turned by hand (`support.world`)
- `program/`: the real process, against a simulated PostPost over HTTP (`support.rig`)
- `support/`: what tests share; no test imports another
- `bench/`: benchmarks, which are run by name: `python -m tests.bench.scan`

    python -m pytest tests/plan/test_rules.py -k edited    some of them
    python -m pytest -n auto                               the quick suite, in several processes
    python -m pytest -n auto --whole                       everything
    python -m pytest -n auto --whole -m whole              the matrices alone

The quick suite has every kind of thing. Of what is marked `whole` it runs a sample, always the same (`support.matrices`).
Tests that share a costly set-up stand in one `xdist_group`, so that it is set up once. Every process collects the same
tests in the same order, or pytest-xdist refuses to start: parametrise over nothing that has no order, and name a case
by nothing that a run chooses. No test measures time: what must be quick is counted in steps, and what may not hang has
a bound that only a hang exceeds.
"""
