"""postpost-sync: carries folders of media to PostPost as scheduled posts, on time, exactly once.

Events are hints; truth is a comparison. Something (an event, a timer, a start) says *look at folder X*. A worker takes a
snapshot of X, reads X's record from SQLite, and `plan(snapshot, record, now)` answers with the next step. The worker
performs that one step, writes down what happened, and asks again. Watching, polling, rescans, retries, restarts,
`run --once` and `check` are that same loop entered from another door. A post's fate is decided nowhere else.

Imports go downward only:

  doors: parse, call, print
    __main__    the boundary where errors become words and an exit status
    cli         what there is to type
    commands    one module a command
    terminal    what people see: texts, tables, the picture that redraws

  shell: constructs things and owns the threads
    daemon         wiring, threads, start and end
    timers         what wakes folders later, and what is done now and then
    roots          the watch roots, looked after together
    scanner        one of them: compared again and again, away, back
    presence       whether it is there, and what is mounted below it
    observing      how it is observed: watched, polled, degraded
    oddities       what is odd below it, and since when
    tellers        who is notified, and when
    workers        the threads that take folders forward
    sync           one folder forward: snapshot, plan, perform, record
    snapshots      what `plan` is told: folder, account, the other posts
    calls          the steps that need the service
    transfers      media on their way, in turn
    looks          what each folder was last seen like, and since when
    whereabouts    where it is, also where it was elsewhere before
    places         which folders are known, and where
    identity       which post a folder is, when it is seen for the first time
    reader         a settled folder read: sidecar, text, what its files are
    line           the posts of an account that wait for room in its plan
    removals       how many posts of removed folders are cancelled at once
    account        one account shared by the workers: key, list of posts

  edges: each hides one outside thing behind our own types
    config         the config file
    config_keys    its keys: how each is read
    credentials    files that hold secrets
    links          what paths lead to
    scan           folders and files, nothing followed, nothing trusted
    media          what a file is, by its content
    structure      whether a file reaches its own end
    probe          what a media file measures, asked of another process
    measuring      that process: reads one file, and ends
    store          the database
    migrations     its tables
    api            PostPost's API
    answers        what it answers, as values and as errors
    clock          its time
    upload         one PUT to the object store
    watch          the kernel's hints
    mounts         the mount table: where the kernel hears of changes, and what is seen twice
    receipt        post.status.yaml
    notify         messages to people, through Apprise
    lock           one daemon a database
    log            one line an event
    service        the service manager

  core: pure, no I/O, no clock
    models         the values that travel between the layers
    records        those that say what we know and did
    states         the states of a post, and which may follow which
    steps          what `plan` can answer
    plan           what to do next: the one place that decides
    building       its lower half: from a wanted post to a complete draft
    scheduling     from there to a scheduled post, replaced, moved or in line
    drafting       what both know of a draft: found, complete, given up
    deciding       what all rest on: which group is which, what may be called now
    ledger         what each thing that happened changes in a record
    names          what a name says, and the name a file is sent under
    wanted         what a folder asks for
    targets        which accounts a post goes to
    sidecar        post.yaml
    preflight      what a platform would refuse
    breaches       what breaks a limit, in words
    counting       how each platform counts a text
    platforms      the platforms' limits, as data
    telling        what is worth telling people, and in which words
    view           how a record is shown
    values         values in people's YAML
    yamltree       the strict subset of YAML
    times          times and durations
    columns        dataclasses as columns and JSON
    schema         the JSON Schemas of both files
    urls           what may be done with a URL from outside
    errors         findings and errors

  apart: nothing imports them but `demo`, `sandbox` and the tests
    sandbox        the simulated PostPost and its object store
    samples        sample posts with real media
"""

__version__ = "0.1.0"
