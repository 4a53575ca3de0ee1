"""What there is to look at: which post goes out on which day, what is stuck and why. One model, and what is made of it.

`entries` and `weeks` are pure; `page` and `feed` turn them into text. They load jinja2 and icalendar when they are called,
so that nothing else waits for these. `seen` asks the database. Who writes the files, serves the page, or draws it in a
terminal stands right of this room.

    entries     one post as it is shown
    weeks       the days, the weeks, and what has no day
    seen        what is in view now: the weeks that are shown, read from the database
    history     what was tried for a post, and when
    page        one HTML page: a file for itself, or served and live
    feed        the calendar that phones subscribe to
"""
