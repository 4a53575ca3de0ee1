"""The values that travel between the rooms: folder, post, record, findings, states, times. Pure.

All are frozen, so that what was seen at one moment stays what was seen. Each module stands on `errors` and on those that
it names; nothing here knows how a value came to be, or what is done about it.
"""
