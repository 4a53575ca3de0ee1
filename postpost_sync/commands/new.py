"""`new`: a commented `post.yaml` for the media in a folder, to be completed by a person.

It holds no text, and a post without text is not sent: a daemon that sees it waits for somebody to write one.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from postpost_sync.commands.common import load_config
from postpost_sync.config import load as configs
from postpost_sync.config.load import Config
from postpost_sync.disk import media, probe, scan
from postpost_sync.model import other_times
from postpost_sync.model.errors import ProgramError, path_name, printable, with_hint
from postpost_sync.model.folder import SIDECAR_NAMES, MediaFile
from postpost_sync.model.post import Policy
from postpost_sync.model.times import TimeProblem, for_people, parse_time, zone
from postpost_sync.post import fitting, live_photos, targets, violations
from postpost_sync.post.leftovers import backup_of
from postpost_sync.post.names import Names, is_conflict_copy, looks_like_media, natural_order
from postpost_sync.post.platforms import ON_BY_DEFAULT, PLATFORMS, SETTINGS
from postpost_sync.post.when import NEXT, NOW
from postpost_sync.terminal.words import byte_size

_NAME = "post.yaml"
SCHEMA = ".post.schema.json"  # as `postpost-sync schema sidecar` prints it; no daemon looks at such a name
_SCHEMA_ABOVE = 3  # folders
_TEMPORARY = f".{_NAME}.tmp"
_PLAIN = re.compile(r"\w(?:[\w.()+ -]*[\w.()+-])?")  # needs no quotes in YAML
_UNSPELLABLE = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")  # not even in quotes
_OFFSET = re.compile(r".*\d:\d\d.*([Zz]|[+-]\d\d(:?\d\d)?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _File:
    """One file in the folder. `trouble`: why it is not in the post; "" where it is."""

    name: str
    what: str
    trouble: str = ""
    media: MediaFile | None = None  # as it was read, where it was


def new(option: str | None, folder: Path, at: str | None, to: Sequence[str], *, create: bool = False) -> int:
    config = _config(option)
    place = Path(os.path.abspath(folder))
    policy = _policy(config, place)
    _check_names(to, policy)
    moment = _moment(at, policy.timezone, datetime.now(UTC))
    _folder(place, create=create)
    found = _look(place, Names(config.ignore if config else ()), fit=policy.fit)
    _write(place, _text(found, at, to, policy, datetime.now(UTC), _schema(place, config)))
    count = sum(not file.trouble for file in found)
    word = _word(at)
    goes = _GOES[word] if word else for_people(moment, policy.timezone) if moment else "no time yet"
    click.echo(f"wrote {path_name(str(place / _NAME))}: {count} media file{'s' if count != 1 else ''}, {goes}")
    for file in found:
        if file.trouble:
            click.echo(f"left out: {path_name(file.name)} ({file.what}): {file.trouble}")
    if config is not None and not _roots(place, config):
        roots = ", ".join(path_name(str(root.path)) for root in config.roots)
        click.echo(f"hint: nothing watches this folder yet; move it below {roots}")
    above = _roots(place, config)
    if above and not (above[0] / SCHEMA).is_file():
        target = path_name(str(above[0] / SCHEMA))
        click.echo(f"hint: for an editor that knows the keys: postpost-sync schema sidecar > {target}")
    click.echo(f"hint: write the text below content:, then `postpost-sync check {path_name(str(folder))}`")
    return 0


def _config(option: str | None) -> Config | None:
    """The config; a sidecar can be written without one."""
    try:
        file = configs.find(option, os.environ)
    except ProgramError:
        return None
    return load_config(str(file))


def _policy(config: Config | None, place: Path) -> Policy:
    """What holds for a post there; ProgramError where none can be."""
    if config is None:
        return Policy()
    for root in config.roots:
        if place == root.path:
            raise ProgramError(
                f"{path_name(str(place))} is a watch root itself", "name a folder below it: one folder, one post"
            )
        if root.path in place.parents:
            names = Names(config.ignore)
            if ignored := next((part for part in place.relative_to(root.path).parts if names.ignored(part)), None):
                raise ProgramError(f"a folder named {path_name(ignored)} is ignored", "choose another name")
            return root.policy
    return config.roots[0].policy


def _check_names(to: Sequence[str], policy: Policy) -> None:
    for name in to:
        if name not in policy.accounts and targets.stands_for(name) is None:
            wrong = targets.unknown_name(name, policy)
            raise ProgramError(wrong.message, wrong.hint)
    if twice := next((name for at, name in enumerate(to) if name in to[:at]), None):
        raise ProgramError(f'--to "{printable(twice)}" stands twice', "keep one of the two")


_GOES = {NOW: "now", NEXT: "in the next free slot"}


def _word(at: str | None) -> str:
    """`now` or `next`; "" for a time, and where none is given."""
    word = (at or "").strip().lower()
    return word if word in _GOES else ""


def _moment(at: str | None, timezone: str, now: datetime) -> datetime | None:
    """The time that is meant; None for a word, and where none is given."""
    if at is None or _word(at):
        return None
    try:
        moment, doubt = parse_time(at, timezone, now)
    except TimeProblem as problem:
        hint = "leave --at out: then it stays a draft" if other_times.word(at) == "" else problem.finding.hint
        raise ProgramError(f"--at: {printable(problem.finding.message)}", hint) from None
    if moment < now:
        raise ProgramError(
            f"--at: {for_people(moment, timezone)} has passed", "give a time that is still to come, or now"
        )
    if doubt is not None:
        click.echo(f"warning: {with_hint(doubt.message, doubt.hint)}", err=True)
    return moment


# --- the folder -------------------------------------------------------------------------------------------------------


def _folder(place: Path, *, create: bool) -> None:
    """ProgramError where it is not there, which may be a typing error, unless it is to be made.

    What is made, it and what is missing above it, is as open to others as the folder it is in: the daemon has to read it.
    """
    missing = []
    above = place
    try:
        while not above.exists():
            missing.append(above)
            above = above.parent
        if missing and not create:
            near = f"check the path, which is there as far as {path_name(str(above))}; --create makes the rest"
            raise ProgramError(f"{path_name(str(place))} is not there", near)
        mode = stat.S_IMODE(above.stat().st_mode) & 0o2775
        for folder in reversed(missing):
            folder.mkdir()
            folder.chmod(mode)
        if not place.is_dir():
            raise ProgramError(f"{path_name(str(place))} is not a folder", "name the folder that holds the media")
    except OSError as error:
        raise ProgramError(
            f"{path_name(str(place))} cannot be used: {error.strerror}", "check the path and its rights"
        ) from None


def _look(place: Path, names: Names, *, fit: bool) -> list[_File]:
    """Its files, in natural order; ProgramError where there is a sidecar."""
    try:
        with os.scandir(place) as entries:
            found = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise ProgramError(f"{path_name(str(place))} cannot be read: {error.strerror}", "check its rights") from None
    if sidecar := next((name for name in found if name.lower() in SIDECAR_NAMES), None):
        raise ProgramError(
            f"{path_name(str(place / sidecar))} is there already", "edit it, or remove it to start afresh"
        )
    files = [_sniff(place, name, fit=fit) for name in sorted(found, key=natural_order) if not names.ignored(name)]
    motions = live_photos.motions([one.media for one in files if one.media is not None]) if fit else {}
    motion = "it is the motion of {} (a live photo)"
    return [
        replace(one, trouble=motion.format(printable(motions[one.name]))) if one.name in motions else one
        for one in files
    ]


def _sniff(place: Path, name: str, *, fit: bool) -> _File:
    try:
        fd = os.open(place / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except PermissionError:
        return _File(name, "not readable", "check its rights")
    except OSError:
        return _File(name, "not a regular file", "put the file itself here")
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            return _File(name, "not a regular file", "put the file itself here")
        if not facts.st_size:
            return _File(name, "empty", "copy it again" if looks_like_media(name) else "it is no media")
        kind = media.kind(os.pread(fd, media.HEAD, 0))
        content_type, looks_like = media.named(kind)
        read = MediaFile(name, scan.of(facts), content_type, looks_like, facts=probe.measure(fd, kind), kind=kind)
    except OSError as error:
        return _File(name, "not readable", error.strerror or "check the disk")
    finally:
        os.close(fd)
    measured = violations.describe(read.facts)
    what = ", ".join(part for part in (printable(looks_like), measured, byte_size(facts.st_size)) if part)
    if content_type is None and fit and fitting.could_be_fitted(read):
        what += ", sent as JPEG"
    elif content_type is None:
        return _File(name, what, "PostPost does not take this" if looks_like_media(name) else "it is no media")
    if is_conflict_copy(name):
        return _File(name, what, "it is a sync program's conflict copy")
    if (original := backup_of(name)) is not None:
        return _File(name, what, f"it is a copy of {printable(original)} that a program set aside")
    if _UNSPELLABLE.search(name):
        return _File(name, what, "its name cannot be written in YAML; rename it")
    return _File(name, what, media=read)


def _roots(place: Path, config: Config | None) -> list[Path]:
    """The watch root that it is below, if any."""
    return [root.path for root in config.roots if root.path in place.parents] if config is not None else []


def _schema(place: Path, config: Config | None) -> str:
    """The address of the schema for editors, from the folder itself: so it holds on every machine that shares the root.

    "" where none lies in the folder's root, or in a folder above it where it has no root.
    """
    above = _roots(place, config) or list(place.parents)[:_SCHEMA_ABOVE]
    found = next((folder for folder in above if (folder / SCHEMA).is_file()), None)
    return os.path.relpath(found / SCHEMA, place) if found is not None else ""


def _write(place: Path, text: str) -> None:
    """Put the sidecar in its place whole, as open to others as its folder; never over another one."""
    temporary, sidecar = place / _TEMPORARY, place / _NAME
    try:
        mode = stat.S_IMODE(place.stat().st_mode) & 0o664
        temporary.unlink(missing_ok=True)
        with open(temporary, "x", encoding="utf-8", newline="\n") as file:
            try:
                file.write(text)
                file.flush()
                with contextlib.suppress(OSError):  # not every network file system has modes
                    os.fchmod(file.fileno(), mode)
                _move(temporary, sidecar)
            finally:
                temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise ProgramError(f"{path_name(str(sidecar))} has just appeared", "edit it, or remove it") from None
    except OSError as error:
        raise ProgramError(
            f"{path_name(str(sidecar))} cannot be written: {error.strerror}", "check the rights"
        ) from None


def _move(temporary: Path, sidecar: Path) -> None:
    try:
        os.link(temporary, sidecar)  # unlike a rename it fails where there is one by now
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.rename(temporary, sidecar)


# --- the text ---------------------------------------------------------------------------------------------------------


def _text(
    found: Sequence[_File], at: str | None, to: Sequence[str], policy: Policy, now: datetime, schema: str = ""
) -> str:
    parts = [
        [
            *([f"# yaml-language-server: $schema={schema}"] if schema else []),
            "# One folder, one post. Lines that start with # are notes; those in the form of a key are examples.",
        ],
        [
            "# The text, sent as it is written: put it below the next line, each line two spaces in. Nothing is sent before.",
            "# Or name a text file in this folder instead:  content_file: caption.txt",
            "content: |",
        ],
        _platforms(to, policy),
        _time(at, policy, now),
        _media(found),
        _settings(to, policy),
        _others(to, policy),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _platforms(to: Sequence[str], policy: Policy) -> list[str]:
    lines = [
        "# Where it goes: connection ids (`postpost-sync accounts` lists them), names from accounts: in the config, a",
        "# platform for all accounts of it, or all.",
    ]
    if policy.accounts:
        lines.append(f"# The names there are: {printable(', '.join(policy.accounts))}.")
    if to:
        return [*lines, f"platforms: [{', '.join(map(_scalar, to))}]"]
    if policy.default_platforms:
        lines.append(f"# Left out, it goes to {printable(', '.join(policy.default_platforms))}.")
    else:
        lines.append("# It has to be said, since the config has no default_platforms here.")
    return [*lines, "# platforms: [twitter-123, linkedin-ABC]"]


def _time(at: str | None, policy: Policy, now: datetime) -> list[str]:
    left_out = {NOW: "goes out at once", NEXT: "takes the next free slot"}.get(policy.default_time, "stays a draft")
    lines = ["# When it goes out: local to timezone, or with an offset or Z, or now; or next, for the next free slot."]
    lines.append(f"# Left out, it {left_out}.")
    if at is None:
        tomorrow = now.astimezone(zone(policy.timezone)) + timedelta(days=1)
        return [*lines, f"# scheduled_time: {tomorrow:%Y-%m-%d} 09:00", f"# timezone: {policy.timezone}"]
    written = at.strip()
    lines.append(f"scheduled_time: {written}")
    if not _word(at) and not _OFFSET.fullmatch(written):
        lines.append(f"timezone: {policy.timezone}")
    return lines


def _media(found: Sequence[_File]) -> list[str]:
    lines = ["# The media, in the order of the post. Left out: every media file in this folder, slide2 before slide10."]
    sent = [file for file in found if not file.trouble]
    lines += ["media:"] if sent else ["# media: [slide1.jpg, slide2.png]"]
    lines += [f"  - {_scalar(file.name)}  # {file.what}" for file in sent]
    lines += [f"  # left out: {printable(f.name)} ({f.what}): {f.trouble}" for f in found if f.trouble]
    return lines


def _settings(to: Sequence[str], policy: Policy) -> list[str]:
    """The settings of the platforms it goes to, or an example."""
    ids = [one for name in to or policy.default_platforms for one in policy.accounts.get(name, (name,))]
    named = {(targets.stands_for(one) or one).partition("-")[0] for one in ids}
    chosen = [p for p in PLATFORMS if p in named and any(p == owner for owner, _ in SETTINGS)]
    if not chosen and (not named or "all" in named):
        chosen = ["instagram"]
    if not chosen:
        return ["# None of these platforms has settings."]
    lines = ["# Settings per platform; what is left out is as PostPost has it by default.", "# platform_settings:"]
    for platform in chosen:
        lines.append(f"#   {platform}:")
        for (owner, key), setting in SETTINGS.items():
            if owner == platform:
                allowed = ("false", "true") if setting.allowed is None else tuple(filter(None, setting.allowed))
                allowed = allowed[::-1] if (owner, key) in ON_BY_DEFAULT else allowed
                first, *others = allowed or ("any text",)
                lines.append(f"#     {key}: {first}" + (f"  # or {', '.join(others)}" if others else ""))
    return lines


def _others(to: Sequence[str], policy: Policy) -> list[str]:
    """An example of other words for one of the platforms it goes to."""
    ids = [one for name in to or policy.default_platforms for one in policy.accounts.get(name, (name,))]
    named = dict.fromkeys((targets.stands_for(one) or one).partition("-")[0] for one in ids)
    other = next((one for one in reversed(named) if one in PLATFORMS), "linkedin")
    return [
        "# Other words, media, time or settings for one of the platforms; what is left out is as above.",
        "# per_platform:",
        f"#   {other}:",
        f"#     content: Other words for {other}",
    ]


def _scalar(text: str) -> str:
    """As YAML reads it back. In quotes where it is not plainly a word, and what no editor shows is spelt out."""
    if not text.isprintable():
        return '"' + printable(text).replace('"', '\\"') + '"'
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "''") + "'"
