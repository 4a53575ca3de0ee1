"""postpost-sync: carries folders of media to PostPost as scheduled posts, on time, exactly once.

Events are hints; truth is a comparison. Something (an event, a timer, a start) says *look at folder X*. A worker takes a
snapshot of X, reads X's record from SQLite, and `plan(snapshot, record, now)` answers with the next step. The worker
performs that one step, writes down what happened, and asks again. Watching, polling, rescans, retries, restarts,
`run --once` and `check` are that same loop entered from another door. A post's fate is decided nowhere else.

The house, from the ground up. A folder imports only what stands above it in this list; tests/test_layers.py holds it to that.

  pure: no I/O, no clock, no logging
    model       the values that travel: folder, post, record, findings, states, times
    post        what a folder asks for: sidecar, accounts, the platforms' limits
    plan        what to do next: the rules, in order; the one place that decides
    ledger      what each thing that happened changes in a record

  edges: each hides one outside thing behind our own types; they do not know each other
    log         one line an event
    packages    the command that adds a package to this installation
    disk        folders and files: nothing followed, nothing trusted; and the copies that fit, beside the database
    store       the database
    service     PostPost, and the object store that it signs URLs for
    notify      what is worth telling people, in which words, and sending it
    calendar    what there is to look at by day and week, and the page and the feed that are made of it. It stands beside
                `notify`: both put into words and pictures how things are, and neither knows of threads or of the config
    config      the config file; it asks `disk` about paths and `notify` about events

  runs: constructs things and owns the threads
    sync        one folder forward: snapshot, plan, perform, record
    daemon      threads, wiring, watch roots, timers, who is notified

  doors: parse, call, print
    web         the calendar served as live pages; it reads alone. Left of `commands`, which start it
    terminal    what people see: texts, tables, the picture that redraws
    commands    one module a command
    cli         what there is to type
    __main__    the boundary where errors become words and an exit status

  apart: nothing imports it but `demo`, `sandbox` and the tests
    sandbox     the simulated PostPost and its object store
"""

__version__ = "0.1.0"
