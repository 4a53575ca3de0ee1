"""The database's tables, as numbered migrations; each is applied whole or not at all. Never edit one that was released."""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from postpost_sync.store import versions

migrations = Migrations(versions.SET)


@migrations(name="0001_initial")
def initial(db: Database) -> None:
    for statement in (
        # one row a post folder: records.Record
        """CREATE TABLE folders (
            key INTEGER PRIMARY KEY, folder_id TEXT NOT NULL UNIQUE, root TEXT NOT NULL, path TEXT NOT NULL,
            inode INTEGER NOT NULL, device INTEGER NOT NULL, state TEXT NOT NULL, first_seen TEXT NOT NULL,
            updated_at TEXT NOT NULL, fingerprint TEXT NOT NULL, complete_at TEXT, now_time TEXT, slot TEXT,
            consents TEXT NOT NULL, cancel TEXT,
            rebuilds INTEGER NOT NULL, gave_up TEXT, done INTEGER NOT NULL, timezone TEXT NOT NULL,
            platforms TEXT NOT NULL, media TEXT NOT NULL, time TEXT, error TEXT, warnings TEXT NOT NULL, retry_at TEXT,
            troubles TEXT NOT NULL, previous TEXT NOT NULL,
            claim TEXT, copy_of TEXT, copied TEXT NOT NULL, unproven INTEGER NOT NULL, missed_at TEXT,
            part TEXT NOT NULL, UNIQUE (root, path, part))""",
        "CREATE INDEX folders_by_state ON folders (state)",
        "CREATE INDEX folders_by_asked_time ON folders (time)",
        # a slot of a root's queue is one folder's
        "CREATE UNIQUE INDEX folders_by_slot ON folders (root, slot) WHERE slot IS NOT NULL",
        # one row a post group that we made, or may have made: records.Group
        """CREATE TABLE groups (
            key INTEGER PRIMARY KEY, folder INTEGER NOT NULL REFERENCES folders (key) ON DELETE CASCADE, stage TEXT NOT NULL,
            post_group_id TEXT, intent_at TEXT NOT NULL, content TEXT NOT NULL, platforms TEXT NOT NULL,
            platform_settings TEXT NOT NULL, resolved TEXT NOT NULL,
            issued TEXT NOT NULL, read_back TEXT, asked_time TEXT,
            answered_time TEXT, searches INTEGER NOT NULL, results TEXT NOT NULL, outcome TEXT, checked_at TEXT,
            lost INTEGER NOT NULL, unseen INTEGER NOT NULL, elsewhere TEXT, placed_at TEXT,
            updating INTEGER NOT NULL, account TEXT NOT NULL, again INTEGER NOT NULL, intent TEXT NOT NULL,
            adopted INTEGER NOT NULL)""",
        "CREATE INDEX groups_by_folder ON groups (folder)",
        "CREATE INDEX groups_by_id ON groups (post_group_id)",
        "CREATE INDEX groups_by_time ON groups (stage, answered_time)",
        "CREATE INDEX groups_by_text ON groups (length(content), substr(content, 1, 32))",
        # one row a media record: records.Upload. url is a secret
        """CREATE TABLE uploads (
            group_key INTEGER NOT NULL REFERENCES groups (key) ON DELETE CASCADE, position INTEGER NOT NULL, name TEXT NOT NULL,
            upload_name TEXT NOT NULL, content_type TEXT NOT NULL, stat TEXT NOT NULL, stage TEXT NOT NULL, sha256 TEXT, url TEXT,
            file_url TEXT, media_id TEXT, expires_at TEXT, refused INTEGER NOT NULL, resets INTEGER NOT NULL, sent_as TEXT,
            sent INTEGER NOT NULL, PRIMARY KEY (group_key, position)) WITHOUT ROWID""",
        # one row a watch root: models.RootStatus
        """CREATE TABLE roots (
            path TEXT PRIMARY KEY, observer TEXT NOT NULL, state TEXT NOT NULL, error TEXT, last_scan TEXT,
            oddities TEXT NOT NULL) WITHOUT ROWID""",
        # one row a notification target: models.Listener; and what it was told last of a post, a root, a key …
        "CREATE TABLE listeners (target TEXT PRIMARY KEY, events TEXT NOT NULL, error TEXT) WITHOUT ROWID",
        """CREATE TABLE told (
            target TEXT NOT NULL REFERENCES listeners (target) ON DELETE CASCADE, subject TEXT NOT NULL, what TEXT NOT NULL,
            PRIMARY KEY (target, subject)) WITHOUT ROWID""",
        # facts about this database as a whole: its instance id
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    ):
        db.execute(statement)


@migrations(name="0002_config_changed")
def config_changed(db: Database) -> None:
    for table, column in (("folders", "asked"), ("folders", "config"), ("groups", "mark")):
        db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE folders ADD COLUMN maybe TEXT NOT NULL DEFAULT '[]'")


@migrations(name="0003_first_comment")
def first_comment(db: Database) -> None:
    db.execute("ALTER TABLE groups ADD COLUMN first_comment TEXT")
    db.execute("ALTER TABLE groups ADD COLUMN said TEXT NOT NULL DEFAULT '[]'")


@migrations(name="0004_restless")
def restless(db: Database) -> None:
    db.execute("ALTER TABLE folders ADD COLUMN restless_at TEXT")


@migrations(name="0005_by_mark")
def by_mark(db: Database) -> None:
    db.execute("CREATE INDEX folders_by_mark ON folders (asked)")


@migrations(name="0006_gone")
def gone(db: Database) -> None:
    db.execute("CREATE INDEX folders_gone ON folders (inode, device) WHERE missed_at IS NOT NULL")
