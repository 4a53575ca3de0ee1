"""Files that a program wrote where a text file belongs: a word processor's, a web page, a picture. Told by how they begin."""

from __future__ import annotations

import codecs
import re

WAY_OUT = "write it in a text editor such as Notepad, or in TextEdit after Format > Make Plain Text"

_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KINDS: tuple[tuple[str, str], ...] = (
    (r"\s*\{\\rtf", "an RTF document"),
    ("%PDF-", "a PDF"),
    (r"PK\x03\x04.{0,200}?mimetypeapplication/vnd\.oasis", "an OpenDocument text"),
    (r"PK\x03\x04.{0,4000}?(?:word/|\[Content_Types\]|docProps/)", "a Word document"),
    (r"PK\x03\x04", "a packed file, such as a document of Word or Pages"),
    (_WORD.decode("latin-1"), "a Word document"),
    (r"\s*<(?:!doctype html\b|(?:html|head|body)\b[^>]*>\s*<)", "a web page (HTML)"),  # a post may be about <html>
    (r"\s*<(?:\?xml|!doctype)\b", "an XML document"),
    (r"\xff\xd8\xff|\x89PNG|GIF8[79]a|RIFF....WEBP|\0...ftyp(?:hei|mif|avif)", "a picture"),
    (r"\0...ftyp|\x1aE\xdf\xa3", "a video"),
    (r"bplist0|\x1f\x8b", "a file of another program"),
)
_BEGINNINGS = tuple((re.compile(form.encode("latin-1"), re.DOTALL | re.IGNORECASE), kind) for form, kind in _KINDS)


def kind(data: bytes) -> str:
    """What it is, in words; blank where nothing speaks against its being text."""
    head = data[:5000].removeprefix(codecs.BOM_UTF8)
    return next((kind for form, kind in _BEGINNINGS if form.match(head)), "")


def is_utf32(data: bytes) -> bool:
    """Whether it is text of four bytes for each character, with a mark or without."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return True
    head = data[: min(len(data), 64) // 4 * 4]
    high, low = head[0::4] + head[1::4], head[2::4] + head[3::4]
    return any(head) and not (any(high) and any(low))
