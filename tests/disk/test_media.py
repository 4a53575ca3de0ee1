"""What a file is, by its content: real files of every format, and what PostPost does not take."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import sys
import textwrap
import threading
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.disk import media
from postpost_sync.post.platforms import SUFFIXES
from tests.support.media_files import FILES, box, ftyp, image


def beginning(value: bytes | str) -> str:
    """A case's name: what comes later in a file may differ from one run to the next, as the time in a PDF does."""
    return value if isinstance(value, str) else repr(value[:16])


@pytest.mark.parametrize("expected", FILES)
def test_every_format_is_known_by_its_content(expected: str) -> None:
    assert media.content_type(FILES[expected]()[: media.HEAD])[0] == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        *(
            (ftyp(brand, brand), "video/mp4")
            for brand in (b"isom", b"mp42", b"M4V ", b"M4VH", b"MSNV", b"XAVC", b"CAEP")
        ),
        *(
            (ftyp(brand, brand), "video/mp4")
            for brand in (b"piff", b"cmfc", b"f4v ", b"F4V ", b"mp71", b"msdh", b"dash")
        ),
        (ftyp(b"3gp4", b"3gp4", b"mp42"), "video/mp4"),
        (ftyp(b"????", b"isom"), "video/mp4"),
        (box(b"free", bytes(9)) + ftyp(b"isom"), "video/mp4"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (ftyp(b"qt  ", b"qt  "), "video/quicktime"),
        (box(b"wide") + box(b"mdat", bytes(99)), "video/quicktime"),
        (box(b"mdat", bytes(99)), "video/quicktime"),
        (box(b"moov", bytes(99)), "video/quicktime"),
        (box(b"free", bytes(9)) + box(b"skip") + box(b"moov"), "video/quicktime"),
    ],
    ids=beginning,
)
def test_the_kinds_of_mp4_and_quicktime_that_libmagic_does_not_know(head: bytes, expected: str) -> None:
    assert media.content_type(head)[0] == expected


@pytest.mark.parametrize(
    ("head", "looks_like"),
    [
        (ftyp(b"heic", b"mif1", b"heic"), "HEIC image"),
        (ftyp(b"mif1", b"mif1", b"heic"), "HEIC image"),
        (ftyp(b"mif1", b"mif1"), "HEIF image"),
        (ftyp(b"avif", b"mif1"), "AVIF image"),
        (ftyp(b"crx ", b"isom"), "Canon RAW image"),
        (ftyp(b"M4A ", b"isom"), "MPEG-4 audio"),
        (ftyp(b"3gp4", b"3gp4"), "3GP video"),
        (image("BMP"), "BMP image"),
        (image("TIFF"), "TIFF image"),
        (image("AVIF"), "AVIF image"),
        (image("PDF"), "PDF document"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "SVG image"),
        (b"hello\n", "text file"),
        (b"", "empty file"),
        (b"\x01\x02\x03", "unknown kind of file"),
        (box(b"wide") * 20, "unknown kind of file"),
    ],
    ids=beginning,
)
def test_what_postpost_does_not_take_is_named(head: bytes, looks_like: str) -> None:
    assert media.content_type(head) == (None, looks_like)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\0\0\0\x10ftyp", b"RIFF", b"\x1aE\xdf\xa3", b"\0\0\0\x08wide", b"GIF89a"]),
)
def test_any_bytes_get_an_answer(tail: bytes, start: bytes) -> None:
    found, name = media.content_type(start + tail)
    assert found is None or found in SUFFIXES
    assert name.isprintable()


def test_sniffing_leaves_the_process_as_it_was() -> None:
    environment, load = dict(os.environ), ctypes.CDLL.__init__
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.append(media.content_type(image("PNG"))[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["image/png"] * 4
    assert (dict(os.environ), ctypes.CDLL.__init__) == (environment, load)


def test_one_sniffer_serves_all_threads() -> None:
    """Each takes a megabyte and more, and there are sixteen threads a root."""
    script = """
        import sys, threading
        from postpost_sync.disk import media
        made = []
        import magic
        real = magic.Magic.__init__
        magic.Magic.__init__ = lambda self, **more: (made.append(self), real(self, **more))[1]
        def sniff():
            for head in (b"%PDF-1.4", b"some text", b"\\x89PNG"):
                media.content_type(head)
        threads = [threading.Thread(target=sniff) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(made))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_a_text_is_known_by_its_beginning() -> None:
    """libmagic looks for seconds through a file of blank lines, and every other file would wait for it."""
    sniff = mock.Mock(side_effect=media._libmagic())
    with mock.patch.object(media, "_libmagic", return_value=sniff):
        assert media.content_type(b"\n" * media.HEAD) == (None, "text file")
    sniff.assert_called_once_with(b"\n" * media._TEXT)


def test_it_works_without_a_libmagic_on_the_system() -> None:
    script = """
        import ctypes, ctypes.util, os, sys
        ctypes.util.find_library = lambda name: None
        load = ctypes.CDLL.__init__
        def hide(self, name, *args, **more):
            if name == "libmagic.so.1":
                raise OSError("hidden")
            load(self, name, *args, **more)
        ctypes.CDLL.__init__ = hide
        before = dict(os.environ)
        from postpost_sync.disk.media import content_type
        print(content_type(sys.stdin.buffer.read())[0], content_type(b"%PDF-1.4")[1])
        assert "pylibmagic" in sys.modules and dict(os.environ) == before and ctypes.CDLL.__init__ is hide
    """
    if importlib.util.find_spec("pylibmagic") is None:  # importing it would change this process's environment
        pytest.skip("pylibmagic is not installed")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        input=image("GIF"),
        capture_output=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "MAGIC": ""},
    )
    assert run.stdout.decode().split(maxsplit=1) == ["image/gif", "PDF document\n"]
