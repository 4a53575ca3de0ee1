"""What any text is made of.

All that UTF-8 has, as where nothing is said: but that is found out by trying a million of them, in each process for a second.
"""

from __future__ import annotations

from hypothesis import strategies as st

CHARACTERS = st.characters(exclude_categories=["Cs"])
