"""The process that runs: threads, wiring, watch roots, timers, and who is notified."""
