"""What to do next about a post: `rules.plan(snapshot, record, now)`, the one place that decides a post's fate. Pure.

`rules` is the table: read it from top to bottom. Each rule is a function of one frozen `situation`, and the first that has
an answer decides. `answers` says what may be taken now, and what a person is shown for it. Everything else in the program
carries out, and writes down what came of it.

Why it is safe against a service without idempotency keys:

- At most one draft is built at a time. A create that was not answered is searched for before another one is sent.
- Only a draft that was read back, and holds exactly our media, is scheduled. Never while another post of the folder stands
  scheduled: the earlier one is made a draft first, and goes back where the new one is refused.
- A folder of several parts (`per_platform`) has a record for each, and one of them is decided about at a time, knowing how
  the others stand: see `parts`. No update-post that would bring an account into two of them is ever taken.
- What may be out on an account is not sent there again by itself. A person's word (`consent`) is for what was shown alone.
- Deleted is only what our own records prove to be ours.
- In doubt a post is held, and says so. A late post can be mended, a double one cannot.
"""
