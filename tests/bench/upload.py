"""How fast a file is sent, beside `curl -T` in the same run: `python -m tests.bench.upload [--mb 512]`.

Both send the same file to the same server, a process of its own that reads and counts. Printed are the medians, their
ratio and the sender's peak memory; nothing is asserted. Ours hashes what it sends (SHA-256 and MD5), curl does not.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5
WITHIN = 120.0  # seconds one transfer may take
BLOCK = 1024 * 1024

# What runs in processes of their own, so that each one's memory is its own.
_SERVER = "from tests.bench.upload import serve; serve()"
_OURS = "from tests.bench.upload import send; send()"


def serve() -> None:
    """Answer each PUT with 200 once its whole body was read. Ends with its standard input."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        buffer = bytearray(BLOCK)
        while True:
            connection, _ = listening.accept()
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (got := connection.recv(65536)):
                        break
                    head += got
                head, _, body = head.partition(b"\r\n\r\n")
                if b"100-continue" in head:
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                left = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
                while left > 0 and (n := connection.recv_into(buffer)):
                    left -= n
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def send() -> None:
    """One upload as the daemon does it; prints its seconds and the peak memory before and after, in MiB."""
    from postpost_sync.service import connections, upload

    url, file = sys.argv[1:3]
    with connections.new_client() as client:
        fd = os.open(file, os.O_RDONLY)
        size, before = os.fstat(fd).st_size, _peak()
        began = time.perf_counter()
        sent = upload.Sender(client).put(url, fd, size, "video/mp4", lambda _: None, upload.Stop())
        took = time.perf_counter() - began
    assert sent.size == size
    print(took, before, _peak())


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def ours(url: str, file: Path) -> tuple[float, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", _OURS, url, str(file)], capture_output=True, text=True, check=True, timeout=WITHIN
    )
    took, before, after = done.stdout.split()
    return float(took), int(before), int(after)


def curl(url: str, file: Path) -> float:
    """Its own word for how long the transfer took."""
    command = ["curl", "-sS", "-T", str(file), "-o", os.devnull, "-w", "%{time_total}", url]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=WITHIN).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mb", type=int, default=512)
    size = parser.parse_args().mb * 1024 * 1024
    place = Path(tempfile.mkdtemp(prefix="bench-upload-"))
    server = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    try:
        file = place / "film.mp4"
        with file.open("wb") as out:
            for _ in range(size // BLOCK):
                out.write(os.urandom(BLOCK))
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/film.mp4"
        with_curl = shutil.which("curl") is not None
        took, theirs, peaks = [], [], []
        for _ in range(RUNS):
            if with_curl:
                theirs.append(curl(url, file))
            seconds, before, after = ours(url, file)
            took.append(seconds)
            peaks.append((after, after - before))
        mib = size / 1024 / 1024
        print(f"{mib:.0f} MiB, median of {RUNS}: {mib / statistics.median(took):.0f} MiB/s")
        print(f"peak memory: {max(peaks)[0]} MiB, of which {max(p[1] for p in peaks)} MiB came with the transfer")
        if with_curl:
            print(f"curl -T: {mib / statistics.median(theirs):.0f} MiB/s")
            print(f"time, ours / curl's: {statistics.median(took) / statistics.median(theirs):.2f}")
        else:
            print("curl is not installed: nothing to compare with")
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
