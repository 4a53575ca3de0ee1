"""What to do next about a post: `rules.plan(snapshot, record, now)`, the one place that decides a post's fate. Pure."""
