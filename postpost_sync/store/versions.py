"""Which migrations there are and which a database has: read without loading what applies them, which is slow to start."""

from __future__ import annotations

import sqlite3

# the names in `migrations`, in order
KNOWN = ("0001_initial", "0002_config_changed", "0003_first_comment", "0004_restless", "0005_by_mark", "0006_gone")
TABLE = "_sqlite_migrations"  # sqlite-utils keeps them there
SET = "postpost_sync"


def applied(conn: sqlite3.Connection) -> list[str]:
    """The names of the migrations that were applied; none where nobody ever applied one."""
    if conn.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)).fetchone() is None:
        return []
    asked = f"SELECT name FROM {TABLE} WHERE migration_set = ? ORDER BY rowid"  # noqa: S608 - a constant
    return [row[0] for row in conn.execute(asked, (SET,))]


def others(conn: sqlite3.Connection) -> bool:
    """Whether it holds tables or views beside the list of migrations."""
    names = conn.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    return any(row[0] != TABLE for row in names)
