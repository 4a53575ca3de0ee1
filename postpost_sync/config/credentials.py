"""Secrets outside of the config: files that only their owner may read, and what the service manager hands over."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from postpost_sync.disk import mounts
from postpost_sync.model.errors import ProgramError, path_name

API_KEY = "postpost-api-key"  # their names under $CREDENTIALS_DIRECTORY
NOTIFY_URLS = "postpost-notify-urls"
CREDSTORE = Path("/etc/credstore")  # where the system service's LoadCredential= finds them


def handed_over(name: str, environ: Mapping[str, str]) -> Path | None:
    """The service manager's file of that name, where there is one."""
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory) / name
        try:
            credential.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            pass  # it is there: reading it says what is wrong with it
        return credential
    return None


def as_the_service(name: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, where a secret may be read that only the system service is given: with that."""
    readable = "CREDENTIALS_DIRECTORY" not in environ and os.access(CREDSTORE / name, os.R_OK)
    return {**environ, "CREDENTIALS_DIRECTORY": str(CREDSTORE)} if readable else environ


_WITHOUT_MODES = frozenset(
    """vfat msdos exfat ntfs ntfs3 fuseblk cifs smb smb3 smbfs 9p drvfs vboxsf vmhgfs prl_fs
    fuse.rclone fuse.grpcfuse fuse.vmhgfs-fuse""".split()
)


def is_open(file: Path) -> bool:
    """Whether others than its owner may do anything with it, as its mode has it."""
    try:
        return bool(stat.S_IMODE(file.stat().st_mode) & 0o077)
    except OSError:
        return False


def keeps_modes(file: Path) -> bool:
    """Whether its file system keeps a mode for each file; the others show one that was chosen when they were mounted."""
    return mounts.filesystem(str(file)) not in _WITHOUT_MODES


def read(file: Path, what: str, hint: str, *, private: bool) -> str:
    """A file's text. ProgramError, never with what is in it, where it cannot be read; if `private`, where others can."""
    try:
        if private and is_open(file) and keeps_modes(file):
            raise ProgramError(
                f"the {what} file {path_name(file)} can be read by others", f"chmod 600 {path_name(file)}"
            )
        return _text(file.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ProgramError(f"the {what} file {path_name(file)} cannot be read: {why}", hint) from None


def _text(data: bytes) -> str:
    """As editors save it: Notepad begins UTF-8 with a mark, and what it calls Unicode is UTF-16."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig").replace("\r\n", "\n")


def one_line(text: str, source: str) -> str:
    """The key that a text consists of; ProgramError, never with what is in it, where it does not."""
    key = text.strip().strip("\ufeff\u200b").strip()  # what editors and browsers put around it unseen
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ProgramError(
            f"the API key in {source} is {'empty' if not key else 'not one line of plain characters'}",
            "copy it again from PostPost's dashboard",
        )
    return key
