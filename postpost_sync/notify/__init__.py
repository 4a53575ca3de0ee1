"""What is worth telling people, in which words, and sending it through Apprise; and a monitor that is pinged.

`events` and `messages` are pure: how things stand, what was told before, and what follows. `delivery` sends. `monitor`
pings what notices when nobody is told anything any more.
"""
