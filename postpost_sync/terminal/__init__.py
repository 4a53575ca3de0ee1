"""Draws what people see in a terminal: takes facts, prints text, decides nothing.

Text from outside goes through `printable` and into `Text`, never into markup. Colour only repeats what the words say.

    words     names, sizes, times, findings: how each is written
    status    where every post stands, for `status`
    live      the picture that redraws, with a bar for each upload
    checked   what `check` found, and what will go out
    calendar  what goes out when: a month as a grid, or a week
    tables    what `demo` and `accounts` found
"""
