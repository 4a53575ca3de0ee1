"""Which short video of a folder is the motion of a picture in it, told by their names. Pure.

Phones take both at once, and whoever exports them names the two alike, each in its own way:

- `IMG_1234.HEIC` and `IMG_1234.MOV`, also `IMG_1234(1)` and `IMG_1234 2` for both: an iPhone, and most who copy from it
- `IMG_E1234.HEIC` and `IMG_1234.MOV`: the picture was edited there
- `IMG_1234.HEIC` and `IMG_1234_HEVC.MOV`: icloudpd
- `IMG_1234.HEIC` and `IMG_1234.HEIC.MOV`
- `IMG_1234.HEIC` and `IMG_1234.MP4`: Google Takeout, which writes `IMG_1234(1).MP4` where a JPG of that name has its own
- `PXL_….MP.jpg` and `PXL_….MP`, `MVIMG_….jpg` and `MVIMG_…`: a Pixel, taken apart by Google Takeout
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from postpost_sync.model.folder import MediaFile
from postpost_sync.post.violations import fact

SECONDS = 4.0  # the motion of a picture lasts no longer
_PICTURES = frozenset({"image/heic", "image/heif", "image/jpeg"})
_EDITED = re.compile(r"^img_e(?=\d)")
_EXPORTED = re.compile(r"_(hevc|heic)$")
_AGAIN = re.compile(r"\(\d+\)$")
# another MP4 of a picture's name may be what is to be posted
_BY_A_CAMERA = re.compile(r"(img|mvimg|pxl)_|\d{8}[_-]?\d{6}")


def motions(media: Collection[MediaFile]) -> dict[str, str]:
    """The video -> the picture whose motion it is."""
    pictures: dict[str, list[str]] = {}
    for one in media:
        if one.kind in _PICTURES:
            for name in (_stem(one.name), one.name):
                pictures.setdefault(_shot(name), []).append(one.name)
    clips = (one for one in media if _is_short_clip(one))
    found = ((one.name, next((pictures[name][0] for name in _meant(one.name, pictures)), None)) for one in clips)
    return {name: picture for name, picture in found if picture is not None}


def _meant(clip: str, pictures: dict[str, list[str]]) -> Iterator[str]:
    """The names of pictures that the clip's may stand for, of those that are there."""
    stem = _shot(_stem(clip))
    yield from (name for name in (stem, _shot(clip), _EXPORTED.sub("", stem)) if name in pictures)
    if len(pictures.get(once := _AGAIN.sub("", stem), ())) > 1:
        yield once


def _is_short_clip(one: MediaFile) -> bool:
    taken = one.content_type == "video/quicktime"
    taken = taken or (one.content_type == "video/mp4" and _BY_A_CAMERA.match(one.name.casefold()) is not None)
    return taken and 0 < (fact(one.facts, "duration") or 0.0) <= SECONDS


def _shot(name: str) -> str:
    """The name as the camera counted it, edited or not."""
    return _EDITED.sub("img_", name.casefold())


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
