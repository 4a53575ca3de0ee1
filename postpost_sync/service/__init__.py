"""PostPost as a client sees it: its calls, its answers, its time, and the object store that it signs URLs for.

Third-party exceptions end here: what leaves is a value or one of our errors. Every answer but a success or a refusal
leaves open whether the call had its effect; only a connection that never came up is known not to have had any.
"""
