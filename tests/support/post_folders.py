"""Post folders that are filled file by file, and what each then asks for."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from PIL import Image

from postpost_sync.disk import reader, scan
from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Folder
from postpost_sync.model.post import Policy
from postpost_sync.post.desired import Wanted, resolve
from postpost_sync.post.names import Names


@cache
def picture(form: str = "JPEG") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 60, 20)).save(data, form)
    return data.getvalue()


GOOD = "content: Hello\nplatforms: [twitter-123]\n"
POLICY = Policy(accounts={"brand": ("linkedin-ABC", "twitter-9"), "nobody": ()})


class Drop:
    """A post folder that is being filled."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / "launch"
        self.path.mkdir()

    def add(self, name: str, data: bytes | str) -> Path:
        file = self.path / name
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return file

    def look(self) -> Folder:
        folder = scan.look(str(self.root), "launch", Names())
        assert folder is not None
        return folder

    def wanted(self, policy: Policy = POLICY) -> Wanted:
        folder = self.look()
        return resolve(folder, reader.read(folder), policy)

    def codes(self, policy: Policy = POLICY) -> list[str]:
        return [finding.code for finding in self.wanted(policy).errors]

    def missing(self) -> Finding:
        """What is said of the media that it waits for."""
        missing = self.wanted().missing
        assert missing is not None
        return missing
