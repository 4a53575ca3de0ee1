"""One folder forward: observe, plan, perform, record, and again. Decides nothing itself.

`engine.Sync.advance` is the loop. Intent is written before each effect that cannot be repeated, and its result after it:
what is found at a start without a result is unknown, never failed.
"""
