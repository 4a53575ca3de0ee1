"""The process that runs: threads, wiring, watch roots, timers, and who is notified.

`daemon.Daemon` puts everything together, starts it, watches over it, and ends it. Why it is as it is:

- Events are hints. A notification of the kernel, a timer, a start and a rescan all say the same: look at that folder. They
  are lost at times (a full queue, a dead watcher, a network share), so each root is also compared in full now and then.
- Each watch root has a scanner and workers of its own. A disk that does not answer holds its threads for ever; those of
  the other roots go on, and the root is shown as away.
- One worker a folder at a time (`workers`), in the order of the posts' times. What is due first is not held up by the rest.
- Timers only wake. What there is to do stands in the database (`rounds`), and is found there after a crash without any timer.
- Putting together and starting are two. The constructor takes the lock and opens the database, and may refuse; it wakes
  nobody and starts no thread that works on posts. So a config that cannot be served leaves the old one as it was.
- What people only look at (`calendars`, and the counts of `vitals` in the database) is made beside the work, by threads that
  nothing waits for, and takes a small share of the time.
- A stop ends within ten seconds. Transfers are cut at their sockets; what a thread is at is finished or taken up next time.
- It never goes on with a database that it cannot write. An effect that is not written down would be made twice.
"""
