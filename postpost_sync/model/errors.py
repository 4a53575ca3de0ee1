"""What can go wrong, in words for people: findings about one post, and the errors that end the program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

MOST_TEXT = 1000  # characters of a message or a hint


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know about a post.

    `code` is UPPER_SNAKE and stable, `message` says what, where, found and allowed, `hint` the way out. What is quoted in
    them may be a megabyte of somebody's text: both are kept to what a person reads.
    """

    code: str
    message: str
    hint: str = ""
    is_error: bool = False  # it stands among warnings, and is an error all the same: not the first one

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _shortened(self.message))
        object.__setattr__(self, "hint", _shortened(self.hint))

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]" + (f" hint: {self.hint}" if self.hint else "")


def with_hint(message: str, hint: str) -> str:
    """What is wrong and the way out, on one line."""
    return f"{message} (hint: {hint})" if hint else message


class ProgramError(Exception):
    """The program as a whole cannot go on: said on one line, with the exit status."""

    status = 2  # usage, config, start-up
    passing = False  # whether it may be over a little later, such as a full disk: worth another start

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return with_hint(self.message, self.hint)


class NoThreads(ProgramError):
    """No further thread is to be had, as in a container that allows too few."""

    passing = True

    def __init__(self) -> None:
        super().__init__(
            "the machine gives the program no further thread",
            "it needs 30 or so, and some for each root: raise what limits them (TasksMax= of the unit, a container's "
            "pids limit, ulimit -u), or what limits its memory",
        )

    @staticmethod
    def is_meant_by(error: RuntimeError) -> bool:
        """Python has no class of its own for it."""
        return "start new thread" in str(error)


class PostError(Exception):
    """One effect for one post did not work; its subclasses say what is known about it. The others go on."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


class Unclear(PostError):
    """No trustworthy answer: the effect may or may not have happened. Worth another try."""

    def __init__(self, finding: Finding, retry_after: float | None = None) -> None:
        super().__init__(finding)
        self.retry_after = retry_after  # seconds, where the service said so


class NotReached(Unclear):
    """The effect is known not to have happened, and may at another try: no connection came up, or it was too early."""


class Altered(Unclear):
    """The object store says that it holds other bytes than were sent."""


class Refused(PostError):
    """The service answered no (a 4xx): the effect did not happen and repeating the same call will not help."""

    def __init__(self, finding: Finding, status: int) -> None:
        super().__init__(finding)
        self.status = status


class NotFound(Refused):
    """The service does not know the post group (404)."""


class OtherKey(NotFound):
    """The same of a post group that another key made: it may stand all the same."""


class NotEditable(Refused):
    """The post has left draft and scheduled (400 "currently in … status"): it is going out or has gone out."""


class KeyRefused(Refused):
    """The API key is not accepted (401, or a 403 without a plan code): everything that uses it has to wait."""


class PlanLimit(Refused):
    """A limit of the plan (403 with a code). `waits_until` is the earliest moment it can be otherwise, if known."""

    def __init__(
        self,
        finding: Finding,
        status: int,
        waits_until: str | None,
        *,
        latest: str | None = None,
        limit: float | None = None,
    ) -> None:
        super().__init__(finding, status)
        self.latest = latest  # the latest time that may be asked for now; ISO 8601, as the service sent it
        self.limit = limit  # how many platform posts the plan has room for at all
        self.waits_until = waits_until  # ISO 8601, as the service sent it


class UploadRefused(PostError):
    """The object store did not take the URL (403): it has expired, or was never good. Presign again."""


class FileChanged(PostError):
    """The file on disk is no longer the one that was checked: what was sent of it does not count."""


class Unfit(PostError):
    """No fitted copy can be made of a file of that name."""

    def __init__(self, finding: Finding, file: str) -> None:
        super().__init__(finding)
        self.file = file


class NoRoom(Unfit):
    """Nor can it for now: there may be room later."""


class Unreadable(PostError):
    """The file is there, but we may not read it."""


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT * 3 // 4]} … {text[-MOST_TEXT // 4 + 3 :]}"


def nearest(found: str, allowed: Iterable[str]) -> str:
    """`did you mean "x"?`, or nothing where nothing is near. For hints."""
    names = sorted(allowed)
    if len(found) > 3 * max(map(len, names), default=0):  # it is like none of them, and to find that out takes seconds
        return ""
    near = (match for word in dict.fromkeys((found, found.lower())) for match in get_close_matches(word, names, n=1))
    return next((f'did you mean "{match}"?' for match in near), "")


def did_you_mean(found: str, allowed: Iterable[str]) -> str:
    """The nearest, or all that are allowed where nothing is near. For hints."""
    names = sorted(allowed)
    return nearest(found, names) or (f"allowed: {', '.join(names)}" if names else "")


def printable(text: str) -> str:
    """Text from outside, safe to print or log: control, bidirectional and undecodable characters are escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def both_lines(first: int, second: int) -> str:
    """Where two things of a file stand, also where that is one line: `{a: 1, a: 2}`."""
    return f"line {first}" if first == second else f"lines {first} and {second}"


def path_name(path: object) -> str:
    """A path or a name as it stands on screen: printable, in quotes where it holds a space."""
    shown = printable(str(path))
    return f'"{shown}"' if " " in shown or not shown else shown


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
