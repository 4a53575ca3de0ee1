"""Says what a file is, by its content.

libmagic decides, and hand-written rules where it is known to be wrong or silent; a name or an extension never does. No
picture is looked at here: pixels, duration and codecs are `probe`'s.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from functools import cache
from types import MappingProxyType

from postpost_sync.model.errors import Finding, PostError, printable
from postpost_sync.post.platforms import SUFFIXES

HEAD = 65536  # bytes of a file that `content_type` wants to see
_TEXT = 4096  # of these where it looks like text: libmagic would take seconds for many blank lines

_NAMES = MappingProxyType(
    {
        "image/jpeg": "JPEG image",
        "image/png": "PNG image",
        "image/gif": "GIF image",
        "image/webp": "WebP image",
        "video/mp4": "MP4 video",
        "video/quicktime": "QuickTime video",
        "video/x-msvideo": "AVI video",
        "video/x-matroska": "Matroska video",
        "video/webm": "WebM video",
        "image/heic": "HEIC image",
        "image/heif": "HEIF image",
        "image/avif": "AVIF image",
        "image/jxl": "JPEG XL image",
        "image/jp2": "JPEG 2000 image",
        "image/x-canon-cr2": "Canon RAW image",
        "image/x-canon-cr3": "Canon RAW image",
        "image/x-canon-crw": "Canon RAW image",
        "image/x-fuji-raf": "Fujifilm RAW image",
        "image/x-minolta-mrw": "Minolta RAW image",
        "image/x-olympus-orf": "Olympus RAW image",
        "image/x-panasonic-rw2": "Panasonic RAW image",
        "image/x-sony-arw": "Sony RAW image",
        "image/svg+xml": "SVG image",
        "image/bmp": "BMP image",
        "image/x-ms-bmp": "BMP image",
        "image/tiff": "TIFF image",
        "image/vnd.adobe.photoshop": "Photoshop document",
        "application/pdf": "PDF document",
        "application/x-empty": "empty file",
        "application/octet-stream": "unknown kind of file",
        "text/plain": "text file",
        "text/html": "HTML document",
        "audio/mp4": "MPEG-4 audio",
        "audio/mpeg": "MP3 audio",
        "video/3gpp": "3GP video",
        "video/mpeg": "MPEG video",
        "video/mp2t": "MPEG-TS video",
        "video/ogg": "Ogg video",
        "video/x-dv": "DV video",
        "video/x-flv": "Flash video",
        "video/x-ms-asf": "Windows Media video",
        "application/zip": "Zip archive",
    }
)
_ALIASES = MappingProxyType(
    {
        "video/x-m4v": "video/mp4",
        "video/avi": "video/x-msvideo",
        "image/pjpeg": "image/jpeg",
        "image/x-ms-bmp": "image/bmp",
    }
)

# Brands of ISO base media files (ftyp), by what such a file is. libmagic calls MSNV audio, and XAVC, CAEP, piff, cmfc
# and others nothing but data.
_BRANDS = MappingProxyType(
    {
        "video/mp4": "isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 isoa isob isoc mp21 mp41 mp42 mp71 avc1 hvc1 hev1 "
        "av01 dby1 dash msdh msix piff cmfc cmfs cmff cmf2 f4v F4V M4V M4VH M4VP MSNV XAVC CAEP NDSC NDSH NDSM NDSP "
        "NDSS NDXC NDXH NDXM NDXP NDXS mmp4 kddi FACE MPPI lmsg sims",
        "video/quicktime": "qt",
        "audio/mp4": "M4A M4B M4P F4A F4B",
        "image/heic": "heic heix heim heis hevc hevx hevm hevs",
        "image/heif": "mif1 mif2 msf1",
        "image/avif": "avif avis",
        "image/jp2": "jp2 jpx jpm mjp2 mj2s",
        "image/jxl": "jxl",
        "image/x-canon-cr3": "crx",
        "video/3gpp": "3gp4 3gp5 3gp6 3gp7 3gp8 3gp9 3gr6 3gs6 3gs7 3ge6 3ge7 3gg6 3g2a 3g2b 3g2c",
    }
)
_BY_BRAND = MappingProxyType({brand: mime for mime, brands in _BRANDS.items() for brand in brands.split()})
_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"pnot", b"moof"})
_PADDING_BOXES = frozenset({b"wide", b"free", b"skip"})


def content_type(head: bytes) -> tuple[str | None, str]:
    """The MIME type to send, None where it is nothing PostPost takes, and what it looks like, in words.

    `head` is the first `HEAD` bytes of the file, or all of it.
    """
    return named(kind(head))


def kind(head: bytes) -> str:
    """The MIME type of what it is, whether PostPost takes that or not."""
    found = _from_boxes(head) or _from_libmagic(head)
    return _ALIASES.get(found, found)


def named(found: str) -> tuple[str | None, str]:
    """What `content_type` says of that kind."""
    name = _NAMES.get(found.lower()) or ("text file" if found.startswith("text/") else found)
    return (found if found in SUFFIXES else None), name


def _from_boxes(head: bytes) -> str | None:
    """What the leading boxes of an ISO base media or QuickTime file say; None where it does not begin like one."""
    at = 0
    for _ in range(8):  # padding before the first box that means something
        length, name = int.from_bytes(head[at : at + 4], "big"), head[at + 4 : at + 8]
        if name in (b"ftyp", b"styp"):
            return _from_brands(head[at + 8 : at + max(16, min(length, 1024))])
        if name in _QUICKTIME_BOXES:
            return "video/quicktime"
        if name not in _PADDING_BOXES or length < 8:
            return None
        at += length
    return None


def _from_brands(box: bytes) -> str | None:
    brands = [box[at : at + 4].decode("latin-1").rstrip(" \0") for at in (0, *range(8, len(box), 4))]
    found = [_BY_BRAND[brand] for brand in brands if brand in _BY_BRAND]
    major = _BY_BRAND.get(brands[0])
    if major in (None, "video/3gpp") and "video/mp4" in found:  # phones write 3gp4 in front of mp42
        return "video/mp4"
    if major == "image/heif":  # "some HEIF image": a later brand says which
        return next((mime for mime in found if mime.startswith("image/") and mime != major), major)
    return major


# --- libmagic ---------------------------------------------------------------------------------------------------------

# of the one sniffer: each would take megabytes, and a file takes it half a millisecond
_one_at_a_time = threading.Lock()


def _from_libmagic(head: bytes) -> str:
    try:
        with _one_at_a_time:
            return _libmagic()(head if b"\0" in head[:_TEXT] else head[:_TEXT])
    except Exception as error:  # python-magic's own, whose class is not to be had where it cannot be imported
        why = f"libmagic, which tells what a file is, does not work: {printable(str(error))}"
        raise PostError(
            Finding("LIBMAGIC_BROKEN", why, "unset MAGIC, or install libmagic1 anew; see postpost-sync doctor")
        ) from error


@cache
def _libmagic() -> Callable[[bytes], str]:
    """The sniffer. Imported here, since libmagic costs every start 40 ms and its database some memory."""
    environment, load = dict(os.environ), ctypes.CDLL.__init__
    database = None
    try:
        import magic
    except ImportError:  # no libmagic on this system: the one that comes in a wheel
        import pylibmagic

        database = str(pylibmagic.data.joinpath("magic.mgc"))
        import magic
    finally:
        # pylibmagic changes how every library is loaded from then on, ours and our children's: undo it.
        ctypes.CDLL.__init__ = load  # type: ignore[method-assign]  # it was assigned to, this assigns it back
        for key in os.environ.keys() - environment.keys():
            del os.environ[key]
        os.environ.update(environment)
    magician = magic.Magic(mime=True, magic_file=database)

    def sniff(head: bytes) -> str:
        try:
            return str(magician.from_buffer(head))
        except magic.MagicException:  # it gave up on what it was shown
            return "application/octet-stream"

    return sniff
