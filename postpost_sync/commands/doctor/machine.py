"""This machine: time zone data, the libraries that look into media, disk space."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import zoneinfo
from datetime import UTC, datetime
from importlib import metadata

from postpost_sync.commands.doctor.findings import Finding, Findings, Level, existing
from postpost_sync.config.load import Config
from postpost_sync.disk import media, probe
from postpost_sync.model.errors import path_name, printable
from postpost_sync.model.times import TimeProblem, zone
from postpost_sync.packages import to_install

SPACE_NEEDED, SPACE_WANTED = 20_000_000, 200_000_000  # bytes free for the database
ROOT_SPACE = 1_000_000  # bytes free for status files
ZONES_AGE = 3  # years after which time zone data is old
_PNG = bytes.fromhex(  # one grey pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c636800000082"
    "008177cd72b60000000049454e44ae426082"
)


def time_zones(wanted: set[str]) -> Findings:
    if not zoneinfo.available_timezones():
        yield Finding(Level.ERROR, "time zones", "there is no time zone data", to_install("tzdata"))
        return
    for name in sorted(wanted | {"Europe/Berlin"}):
        try:
            zone(name)
        except (TimeProblem, OSError, ValueError) as error:
            why = f"{name} cannot be read: {printable(str(error))}"
            yield Finding(Level.ERROR, "time zones", why, "apt install --reinstall tzdata")
            return
    version, source = _zones_version()
    made = version[:4]
    if made.isdecimal() and int(made) < datetime.now(UTC).year - ZONES_AGE:
        message = f"the data is of {version} ({source}): changes since then are not known"
        yield Finding(Level.WARNING, "time zones", message, "apt install --only-upgrade tzdata")
    else:
        yield Finding(Level.OK, "time zones", f"data of {version} ({source})" if version else f"data from {source}")


def _zones_version() -> tuple[str, str]:
    """The IANA version, and where it comes from: the system's data goes before the package's."""
    for place in zoneinfo.TZPATH:
        with contextlib.suppress(OSError):
            if os.path.exists(os.path.join(place, "Europe", "Berlin")):
                with open(os.path.join(place, "tzdata.zi"), encoding="utf-8") as file:
                    return file.readline().removeprefix("# version").strip(), place
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version("tzdata"), "the tzdata package"
    return "", "the system"


def libraries() -> Findings:
    """libmagic and the libraries that measure, tried on a picture of one pixel."""
    try:
        content_type, what = media.content_type(_PNG)
    except (ImportError, OSError) as error:
        why = f"libmagic cannot be loaded: {printable(str(error))}"
        yield Finding(Level.ERROR, "libmagic", why, f"apt install libmagic1, or {to_install('pylibmagic')}")
        return
    if content_type != "image/png":
        message = f"it takes a PNG image for {what}"
        yield Finding(Level.ERROR, "libmagic", message, "apt install --reinstall libmagic1 libmagic-mgc")
        return
    yield Finding(Level.OK, "libmagic", "it tells files by their content")
    if not probe.available():
        message = "Pillow or PyAV is missing: sizes and durations are not checked"
        yield Finding(Level.WARNING, "measuring", message, to_install("pillow", "av", again=True))
        return
    with tempfile.TemporaryFile() as file:
        file.write(_PNG)
        file.flush()
        facts = probe.measure(file.fileno(), "image/png")
    if facts.get("width") != 1:
        message = f"a picture cannot be measured: {facts.get('unmeasured', facts.get('undecodable', 'no answer'))}"
        yield Finding(Level.WARNING, "measuring", printable(message), to_install("pillow", "av", again=True))
    else:
        yield Finding(Level.OK, "measuring", "pictures and videos are measured in a process of their own")
    if missing := probe.missing():
        message = f"{missing}: such pictures are refused instead of being sent as JPEG"
        yield Finding(Level.WARNING, "fitting", message, "pip install --upgrade pillow pillow-heif")
    else:
        yield Finding(Level.OK, "fitting", "HEIC and AVIF can be read, and sent as JPEG")


def disk(config: Config) -> Findings:
    above = existing(config.state_db.parent)
    free = shutil.disk_usage(above).free
    message = f"{free / 1e6:,.0f} MB free for the database at {path_name(above)}"
    level = Level.ERROR if free < SPACE_NEEDED else Level.WARNING if free < SPACE_WANTED else Level.OK
    yield Finding(
        level, "disk", message, "" if level is Level.OK else f"make room: du -xh {path_name(above)} | sort -h"
    )
    for root in config.roots:
        if root.path.is_dir():
            facts = os.statvfs(root.path)
            if facts.f_bavail * facts.f_frsize < ROOT_SPACE or (facts.f_files and not facts.f_favail):
                message = f"{path_name(root.path)} is full: status files cannot be written there"
                yield Finding(Level.WARNING, "disk", message, f"make room: du -xh {path_name(root.path)} | sort -h")
