"""What a file's or folder's name says: ignored, still arriving, a conflict copy, media; and the name it is sent under."""

from __future__ import annotations

import fnmatch
import functools
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from postpost_sync.model.folder import CALENDAR_FEED, CALENDAR_PAGE, STATUS_FILE
from postpost_sync.post.leftovers import announced, conflict_of, unfinished
from postpost_sync.post.platforms import SUFFIXES

_DOWNLOADING = tuple(
    """*.part *.partial *.filepart *.crdownload *.download *.opdownload *.fdmdownload *.ytdl *.part-frag* *.aria2__temp
    *.!qb *.!ut *.!bt *.!sync *.bts *.az! *.bc! *.jc! *.dctmp *.dtapart *.td *.td.cfg *.xltd *.downloading *.insyncdl
    *.syncpart *.drivedownload *.ffs_tmp""".split()
)
"""A file that browsers, torrents and sync clients are still writing; it takes its own name when it is whole."""

IGNORED: tuple[str, ...] = (
    *".* ~* *~ #*#".split(),
    *_DOWNLOADING,
    *"*.nextcloud *.owncloud *.rsls *.rsls? *.rsls?? *.*.cloud *.aria2 *.lftp-pget-status *.*.st".split(),
    *"""*.tmp *.temp *.swp *___jb_tmp___ *.unison* @eaDir @tmp @Recycle trashbox @Recently-Snapshot @sharebin
    *@SynoEAStream *@SynoResource _gsdata_ _SYNCAPP #recycle #snapshot Thumbs.db ehthumbs.db desktop.ini $RECYCLE.BIN
    lost+found __MACOSX""".split(),
    "System Volume Information",
    "Icon\r",
    "Network Trash Folder",
    "Temporary Items",
)
"""What sync tools, browsers, editors and systems leave lying about; for folders as for files."""

ARRIVING = (
    *_DOWNLOADING,
    *".syncthing.* ~syncthing~* *.unison.tmp .getxfer.* .goutputstream-* .pureftpd-upload.* .in.*. .pending-[0-9]*-*".split(),
)
_RSYNC = r"\..+\.[A-Za-z0-9]{6}"  # rsync writes .NAME.XXXXXX
_NEXTCLOUD = r"\..+\.~[0-9a-f]{1,8}"  # and ownCloud
_NEAR_MISS = re.compile(
    r"((copy|kopie|copie|copia)( \(\d+\))? (of|von|de|di) )?"
    r"(posts?|sidecar)([._ -]*(copy|kopie|copie|copia|\(\d+\)))*\s*[., _-]+"
    r"(ya?mll?|ymal|yalm|yam|json)(\.(txt|bak|orig|old|rtf|docx?|json|ya?ml))*[. ]*"
)
_NEARLY = re.compile(r"\s*(post|sidecar|cop|kopie)", re.IGNORECASE)
_UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff]")  # characters of no width
_OTHER_MEDIA = (
    ".heic .heif .avif .jxl .jp2 .bmp .tif .tiff .svg .dng .cr2 .cr3 .nef .arw .orf .raf .rw2 "
    ".mpg .mpeg .mts .m2ts .wmv .flv .3gp .ogv"
).split()
_MEDIA = frozenset(suffix for suffixes in (*SUFFIXES.values(), _OTHER_MEDIA) for suffix in suffixes)
_JUDGED = 1024  # names kept in mind: those that come again and again are few
_WILD = re.compile(r"[*?\[]")
_NUMBERS = re.compile(r"(\d+)")
_UNSENDABLE = re.compile(r"[^A-Za-z0-9._-]+")


class Names:
    """Which names below a root are ignored, and which of these are a transfer's temporaries.

    A rescan asks for every folder's name there is. So names that come again and again are judged once, and most patterns
    are not tried on a name without a dot.
    """

    def __init__(self, more: Sequence[str] = ()) -> None:
        self._patterns = (*IGNORED, STATUS_FILE, CALENDAR_PAGE, CALENDAR_FEED, *more)
        patterns = [_low(pattern) for pattern in self._patterns]
        dotted = [pattern for pattern in patterns if "." in pattern and "[" not in pattern]  # [!.] is no dot
        self._dotted = _Patterns(dotted)
        self._others = _Patterns([pattern for pattern in patterns if pattern not in dotted])
        self._arriving = re.compile(_either(ARRIVING).pattern + f"|{_RSYNC}|{_NEXTCLOUD}", re.IGNORECASE | re.DOTALL)
        self._judged = functools.lru_cache(maxsize=_JUDGED)(self._judge)

    def ignored(self, name: str) -> bool:
        return self._judged(name)

    def _judge(self, name: str) -> bool:
        low = _low(name)
        return self._others.match(low) or ("." in low and self._dotted.match(low))

    def ignored_on(self, path: str) -> bool:
        """Whether the name of a folder on a path, relative to its root, or that of what it leads to, is ignored."""
        return any(self.ignored(part) for part in path.split("/"))

    def ignored_by(self, name: str) -> str | None:
        """The pattern that a name is ignored by, as it was written; a built-in one where there are several."""
        low = _low(name)
        return next((one for one in self._patterns if fnmatch.fnmatchcase(low, _low(one))), None)

    def arriving(self, name: str) -> bool:
        return self._arriving.fullmatch(name) is not None and announced(name) is None

    def awaited(self, name: str) -> tuple[str, bool] | None:
        """The file that an ignored name says is not there yet, and whether it lies there all the same, not yet whole."""
        for of, there in ((announced(name), False), (unfinished(name), True)):
            if of is not None and not self.ignored(of):
                return of, there
        return None

    def announced_by_stub(self, name: str) -> str | None:
        """The media file that a file of a byte at most announces: each brand of ownCloud's client has an ending of its own."""
        of, dot, ending = name.rpartition(".")
        announces = dot and ending and looks_like_media(of) and not looks_like_media(name)
        return of if announces and not self.ignored(of) else None

    def unseen(self, path: str) -> bool:
        """Whether a change at a path, relative to its root, means nothing for any post."""
        above, _, name = path.rpartition("/")
        return self.ignored_on(path) and (self.awaited(name) is None or (above != "" and self.ignored_on(above)))


class _Patterns:
    """Plain beginnings, endings and whole names are not left to a regular expression."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._whole = {one for one in patterns if not _WILD.search(one)}
        self._beginnings = tuple(
            one[:-1] for one in patterns if one[1:] and one[-1] == "*" and not _WILD.search(one[:-1])
        )
        self._endings = tuple(one[1:] for one in patterns if one[1:] and one[0] == "*" and not _WILD.search(one[1:]))
        simple = self._whole | {f"{one}*" for one in self._beginnings} | {f"*{one}" for one in self._endings}
        self._others = _either([one for one in patterns if one not in simple])

    def match(self, low: str) -> bool:
        return (
            low in self._whole
            or low.startswith(self._beginnings)
            or low.endswith(self._endings)
            or self._others.fullmatch(low) is not None
        )


def _low(name: str) -> str:
    """As patterns see a name: without case, and é as one character although macOS writes two."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).lower()


@functools.lru_cache(maxsize=16)
def names(more: tuple[str, ...]) -> Names:
    """The Names with these patterns; one for all who ask."""
    return Names(more)


def alike(name: str) -> str:
    """Equal for names that look alike: in whatever case, however composed, with whatever spaces around them."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def _either(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns), re.IGNORECASE)


def is_conflict_copy(name: str) -> bool:
    """Whether a sync program set it aside because both sides had changed it."""
    return bool(conflict_of(name))


def is_near_miss(name: str) -> bool:
    """Whether it may have been meant to be a sidecar, such as post.yaml.txt."""
    if name.isascii() and not _NEARLY.match(name):  # a rescan asks for every file that lies beside no sidecar
        return False
    plain = alike(_UNSEEN.sub("", name))
    return _NEAR_MISS.fullmatch(plain) is not None or (
        is_conflict_copy(name) and plain.startswith("post") and plain.endswith((".yaml", ".yml"))
    )


def looks_like_media(name: str) -> bool:
    """By its name alone: whether a person would expect it in the post."""
    return PurePosixPath(name).suffix.lower() in _MEDIA


def natural_order(name: str) -> tuple[object, ...]:
    """A sort key by which slide2 comes before slide10, and upper and lower case are one."""
    parts = _NUMBERS.split(unicodedata.normalize("NFC", name).casefold())
    return (*((1, int(p), "") if p.isdecimal() else (0, 0, p) for p in parts), (0, 0, name))


def spelt_alike(one: str, other: str) -> bool:
    """Whether a file system that sees neither case nor how accents are written takes the two for one."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def upload_names(files: Sequence[tuple[str, str]]) -> list[str]:
    """A name for each (name, content type), unique within the post and already in the service's sanitised form.

    The service trims, turns spaces into `_` and drops other specials; two names that came out the same would be one
    media record where it reissues. The extension is that of what the file is.
    """
    taken: set[str] = set()
    names = []
    for name, content_type in files:
        path = PurePosixPath(name)
        fitting = SUFFIXES[content_type]
        extension = path.suffix.lower() if path.suffix.lower() in fitting else fitting[0]
        stem = _UNSENDABLE.sub("", path.stem.strip().replace(" ", "_"))[:100].strip("._") or "media"
        unique, count = f"{stem}{extension}", 2
        while unique.lower() in taken:
            unique, count = f"{stem}-{count}{extension}", count + 1
        taken.add(unique.lower())
        names.append(unique)
    return names
