"""MD5 and SHA-256 of a file, each taken in a thread of its own beside what else is done with its blocks.

hashlib lets go of the interpreter while it hashes a block, so that sending, MD5 and SHA-256 take as long as the slowest
of them, and not as all of them together. A small file is not worth two threads.
"""

from __future__ import annotations

import hashlib
import queue
import threading

# bytes that are read, hashed and sent at once. By the megabyte it takes 2% (TLS) to 12% (plain) less of the processor, but
# on a slow line a bar stands still meanwhile; and over TLS all of it, not some, must be through before a write's time-out
BLOCK = 256 * 1024
AHEAD = 12  # blocks that may wait for a digest: what bounds the memory
SMALL = 1024 * 1024  # bytes


class Digests:
    """Of the blocks that are added, in order. To be closed, whatever became of it."""

    def __init__(self, size: int) -> None:
        """`size`: bytes that are to come; it only decides whether threads are worth it."""
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._queues: list[queue.Queue[bytes | None]] = []
        self._threads: list[threading.Thread] = []
        for one in (self._sha256, self._md5) if size > SMALL else ():
            coming: queue.Queue[bytes | None] = queue.Queue(AHEAD)
            thread = threading.Thread(target=_take, args=(one, coming), name=f"digest {one.name}", daemon=True)
            self._queues.append(coming)
            self._threads.append(thread)
            thread.start()

    def add(self, block: bytes) -> None:
        """Waits where a digest is more than a few blocks behind."""
        for coming in self._queues:
            coming.put(block)
        if not self._queues:
            self._sha256.update(block)
            self._md5.update(block)

    def close(self) -> None:
        """Wait until all that was added is in the digests, and end the threads."""
        for coming in self._queues:
            coming.put(None)
        self._queues.clear()
        for thread in self._threads:
            thread.join()

    @property
    def sha256(self) -> str:
        """Hex, once it is closed."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """Hex, once it is closed."""
        return self._md5.hexdigest()


def _take(digest: hashlib._Hash, coming: queue.Queue[bytes | None]) -> None:
    while (block := coming.get()) is not None:
        digest.update(block)
