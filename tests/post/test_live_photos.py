"""Which video of a folder is the motion of a picture: by the names that phones and exporters write, and by how short it is."""

from __future__ import annotations

import pytest

from postpost_sync.model.folder import MediaFile, Stat
from postpost_sync.post import live_photos

KINDS = {"heic": "image/heic", "heif": "image/heif", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png"}
KINDS |= {"mov": "video/quicktime", "avi": "video/x-msvideo"}


def file(name: str, seconds: float = 2.9) -> MediaFile:
    kind = KINDS.get(name.rpartition(".")[2].casefold(), "video/mp4")
    return MediaFile(name, Stat(1, 0, 0, 0, 0), kind, facts={"duration": seconds} if "video" in kind else {}, kind=kind)


def found(*names: str) -> dict[str, str]:
    return live_photos.motions([file(name) for name in names])


@pytest.mark.parametrize(
    ("picture", "motion"),
    [
        ("IMG_2.HEIC", "IMG_2.MOV"),
        ("IMG_2.JPG", "IMG_2.mov"),
        ("img_2.jpeg", "IMG_2.MOV"),
        ("IMG_1234(1).HEIC", "IMG_1234(1).MOV"),
        ("IMG_1234 2.HEIC", "IMG_1234 2.MOV"),
        ("2024-05-01 12.34.56.heic", "2024-05-01 12.34.56.mov"),
        ("20240501_123456000_iOS.heic", "20240501_123456000_iOS.MOV"),
        ("IMG_E1234.HEIC", "IMG_E1234.MOV"),
        ("IMG_E1234.JPG", "IMG_1234.MOV"),
        ("IMG_1234.HEIC", "IMG_E1234.MOV"),
        ("IMG_9881.HEIC", "IMG_9881_HEVC.MOV"),
        ("FullSizeRender-2369959.HEIC", "FullSizeRender-2369959_HEVC.MOV"),
        ("IMG_1234.HEIC", "IMG_1234.HEIC.MOV"),
        ("IMG_2551.HEIC", "IMG_2551.MP4"),
        ("img_2551(1).jpg", "img_2551(1).mp4"),
        ("20240501_123456.jpg", "20240501_123456.mp4"),
        ("PXL_20210102_221126856.MP.jpg", "PXL_20210102_221126856.MP"),
        ("PXL_20210102_221126856.MP~2.jpg", "PXL_20210102_221126856.MP~2"),
        ("PXL_20210102_221126856.MP.jpg", "PXL_20210102_221126856.MP.mp4"),
        ("MVIMG_20200101_123456.jpg", "MVIMG_20200101_123456"),
        ("MVIMG_20200101_123456.jpg", "MVIMG_20200101_123456.MV"),
    ],
)
def test_a_short_clip_of_a_pictures_name_is_its_motion(picture: str, motion: str) -> None:
    assert found(picture, motion) == {motion: picture}
    for seconds, moves in ((4.0, True), (4.1, False), (0.0, False)):
        assert bool(live_photos.motions([file(picture), file(motion, seconds)])) == moves


@pytest.mark.parametrize(
    "names",
    [
        ("IMG_2.HEIC", "IMG_3.MOV"),
        ("IMG_2.png", "IMG_2.MOV"),
        ("IMG_2.HEIC", "IMG_2.avi"),
        ("launch.jpg", "launch.mp4"),  # a film and its cover
        ("IMG_1234.JPG", "IMG_1234(1).MOV"),
        ("IMG_EVA.JPG", "IMG_VA.MOV"),
        ("IMG_1234 2.JPG", "IMG_1234.MOV"),
    ],
)
def test_another_clip_is_a_medium_of_its_own(names: tuple[str, ...]) -> None:
    assert found(*names) == {}


def test_two_pictures_of_one_name_may_each_have_a_motion() -> None:
    names = ("IMG_2552.HEIC", "IMG_2552.JPG", "IMG_2552.MP4", "IMG_2552(1).MP4")
    assert found(*names).keys() == {"IMG_2552.MP4", "IMG_2552(1).MP4"}
