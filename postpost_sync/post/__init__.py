"""What a folder asks for: its sidecar, the accounts it goes to, and what a platform would refuse. Pure.

`desired.resolve` is the way in: a folder, what was read in it and the policy of its root become a post, or what is wrong,
missing or empty. The platforms' figures are one table of data (`platforms`), each with its source; `preflight` applies
them. The service validates nothing before it publishes, so this is the only place where a refusal can be foreseen.
"""
