"""What is worth telling people, in which words, and sending it through Apprise.

`events` and `messages` are pure: how things stand, what was told before, and what follows. `delivery` sends.
"""
