"""What there is to look at: which post goes out on which day, what is stuck and why. One model, and what is made of it.

`entries` and `weeks` are pure; `page` and `feed` turn them into text. They load jinja2 and icalendar when they are called,
so that nothing else waits for these. Whoever reads records, writes files or serves requests stands right of this room.

    entries     one post as it is shown
    weeks       the days, the weeks, and what has no day
    links       where a published post can be seen
    page        one HTML page: a file for itself, or served and live
    feed        the calendar that phones subscribe to
"""
