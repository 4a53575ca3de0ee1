"""One folder forward: observe, plan, perform, record, and again. Decides nothing itself.

`engine.Sync.advance` is the loop; `performer` carries out its steps, by way of `calls`, `transfers`, `readings` and `fittings`.
`reconciliation` looks at all posts at once now and then, for what people changed at PostPost. Why it is as it is:

- Intent before effect. Each call that cannot be repeated is written down before it is made, and its answer after it. What
  is found at a start without an answer is unknown, never failed: it may stand at PostPost, so it is looked for there.
- Looking and reading are two. `snapshots.observe` looks at the folder and writes down what follows from that (it was moved,
  its device has another number, somebody is to be waked). `snapshots.snapshot` only reads; `plan` is told that.
- A folder is worked on by one thread at a time. So a step needs no lock against another step of the same post, and a part
  of a folder (`per_platform`) is decided about while no other part of it is: `Folders.enter`. Each part has a record and a
  look of its own; the folder is known, moved and forgotten by its main part, and has one status file for all of them.
- A transfer runs beside that, in a thread of its own, and wakes its folder when it ends. It writes its result before it
  stops counting as under way, so that no file is sent twice.
- What waits for the list of posts waits together (`list_queue`), and no more drafts are made ahead than the places for
  transfers need. So a reading of the list is short, and serves many.
- Only what comes before an effect waits for the disk (`store.change`). What is found out again by itself is a `store.note`.
- Nothing is waked before `start`. A constructor that wakes finds nobody there who would look.
- Each piece of state has one owner that writes it: `folders` what is in memory of a folder and where it is, `absence` what
  cannot be seen for now, `waiting_list` who waits for room in a plan, `removals` how many folders went at once.
- Which folder it is that is found at a place is decided in `places`, by what is known (`folders`) and by what its status file
  says (`identity`). A post that such a file names and that no record knows is written down as a claim (`claims`).
"""
