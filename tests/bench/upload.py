"""How fast a file is sent, beside `curl -T` and beside hashing in line: `python -m tests.bench.upload [--mbit 1000] [--tls]`.

All send the same file to the same server, a process of its own that reads and counts, in turns. Printed are the medians
of the ratios of each turn, with their targets, the sender's processor time, which a busy machine changes least, and its
peak memory; nothing is asserted. Ours hashes what it sends (SHA-256 and MD5), curl does not. "In line" is how it was
before the digests had threads: each block is hashed twice between two sends.

With `--mbit` it goes through a link of that rate: a veth pair between two network namespaces, shaped with tc. That needs
root, or it says so and ends. With `--tls` it is https, with a certificate made for it, as all that goes to a real store.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.scratch import scratch

RUNS = 5
WITHIN = 300.0  # seconds one transfer may take
BLOCK = 1024 * 1024
ADDRESSES = "10.203.0.1", "10.203.0.2"  # of the two ends of the limited link, in namespaces of their own

# What runs in processes of their own, so that each one's memory is its own.
_SERVER = "from tests.bench.upload import serve; serve()"
_OURS = "from tests.bench.upload import send; send()"


def serve() -> None:
    """Answer each PUT with 200 once its whole body was read; over TLS, where there is a certificate."""
    address, *certificate = sys.argv[1:]
    with socket.create_server((address, 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        buffer = bytearray(BLOCK)
        while True:
            connection, _ = listening.accept()
            with _wrapped(connection, certificate) as connection:
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


def _wrapped(connection: socket.socket, certificate: list[str]) -> socket.socket:
    if not certificate:
        return connection
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[0])
    return context.wrap_socket(connection, server_side=True)


class InLine:
    """The digests, taken between two sends."""

    def __init__(self, size: int) -> None:
        self._both = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    def add(self, block: bytes) -> None:
        for one in self._both:
            one.update(block)

    def close(self) -> None:
        self.sha256, self.md5 = (one.hexdigest() for one in self._both)


def send() -> None:
    """One upload as the daemon does it; prints its seconds, those of the processor, and the peak memory before and after."""
    from postpost_sync.service import connections, upload

    url, file, how = sys.argv[1:4]
    if how == "in line":
        upload.Digests = InLine  # type: ignore[assignment,attr-defined]  # as it was
    upload.is_secure = lambda url: True  # type: ignore[attr-defined]  # the other end of the link is no loopback
    with connections.new_client() as client:
        fd = os.open(file, os.O_RDONLY)
        size, before = os.fstat(fd).st_size, _peak()
        began, busy = time.perf_counter(), time.process_time()
        sent = upload.Sender(client).put(url, fd, size, "video/mp4", lambda _: None, upload.Stop())
        took, busy = time.perf_counter() - began, time.process_time() - busy
    assert sent.size == size
    print(took, busy, before, _peak())


def _peak() -> int:
    """MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


# --- the link ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def link(mbit: int) -> Iterator[tuple[list[str], list[str]]]:
    """What to put before a command so that it runs at the one end, and at the other."""
    names = tuple(f"bench{end}{os.getpid()}" for end in "ab")
    ends = [["ip", "netns", "exec", name] for name in names]

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, text=True)

    try:
        for name in names:
            run("ip", "netns", "add", name)
        run("ip", "link", "add", "va", "netns", names[0], "type", "veth", "peer", "name", "vb", "netns", names[1])
        for name, device, address in zip(names, ("va", "vb"), ADDRESSES, strict=True):
            inside = "ip", "-n", name
            run(*inside, "addr", "add", f"{address}/30", "dev", device)
            run(*inside, "link", "set", device, "up")
            shape = f"tbf rate {mbit}mbit burst 256kb latency 20ms"
            run("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", device, "root", *shape.split())
        yield ends[0], ends[1]
    finally:
        for name in names:
            with contextlib.suppress(subprocess.CalledProcessError):
                run("ip", "netns", "del", name)


# --- in turns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    took: float  # seconds
    busy: float  # seconds of the processor
    before: int = 0  # MiB
    peak: int = 0


def ours(at: list[str], url: str, file: Path, how: str, authority: list[str]) -> Run:
    command = [*at, sys.executable, "-c", _OURS, url, str(file), how]
    trusted = dict(zip(["SSL_CERT_FILE"], authority, strict=False))
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=WITHIN, env={**os.environ, **trusted}
    )
    took, busy, before, peak = done.stdout.split()
    return Run(float(took), float(busy), int(before), int(peak))


def curl(at: list[str], url: str, file: Path, authority: list[str]) -> Run:
    """Its own word for how long the transfer took; its processor time with its start, which is some milliseconds."""
    trusted = [part for one in authority for part in ("--cacert", one)]
    command = [*at, "curl", "-sS", "-T", str(file), "-o", os.devnull, "-w", "%{time_total}", *trusted, url]
    before = _children()
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=WITHIN)
    return Run(float(done.stdout), _children() - before)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def certified(place: Path, address: str) -> tuple[list[str], list[str]]:
    """The files of the server's certificate and of the authority to trust."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(place / "authority.pem")
    authority.issue_cert(address).private_key_and_cert_chain_pem.write_to_path(place / "server.pem")
    return [str(place / "server.pem")], [str(place / "authority.pem")]


def compare(here: list[str], there: list[str], address: str, size: int, runs: int, *, limited: bool, tls: bool) -> None:
    """In turns, and with the medians of it printed."""
    with scratch("upload") as place:
        _compare(place, here, there, address, size, runs, limited=limited, tls=tls)


def _compare(
    place: Path,
    here: list[str],
    there: list[str],
    address: str,
    size: int,
    runs: int,
    *,
    limited: bool,
    tls: bool,
) -> None:
    certificate, authority = certified(place, address) if tls else ([], [])
    served = [*there, sys.executable, "-c", _SERVER, address, *certificate]
    server = subprocess.Popen(served, stdout=subprocess.PIPE, text=True)
    try:
        file = place / "film.mp4"
        with file.open("wb") as out:
            for _ in range(size // BLOCK):
                out.write(os.urandom(BLOCK))
        assert server.stdout is not None
        url = f"{'https' if tls else 'http'}://{address}:{server.stdout.readline().strip()}/film.mp4"
        theirs, threads, line = list[Run](), list[Run](), list[Run]()
        for _ in range(runs):
            if shutil.which("curl"):
                theirs.append(curl(here, url, file, authority))
            threads.append(ours(here, url, file, "threads", authority))
            line.append(ours(here, url, file, "in line", authority))
        mib = size / 1024 / 1024
        print(f"{mib:.0f} MiB, median of {runs}: {mib / statistics.median(one.took for one in threads):.0f} MiB/s")
        with_it = max(one.peak - one.before for one in threads)
        print(f"peak memory: {max(one.peak for one in threads)} MiB (target 48), of which {with_it} MiB came with it")
        _say("in threads / in line", threads, line, "" if limited or tls else "target 0.68")
        if theirs:
            print(f"curl -T: {mib / statistics.median(one.took for one in theirs):.0f} MiB/s")
            _say("ours / curl's", threads, theirs, "target 1.02" if limited else "")
        else:
            print("curl is not installed: nothing to compare with")
    finally:
        server.kill()
        server.wait()


def _say(what: str, ours: list[Run], theirs: list[Run], target: str) -> None:
    ratios = [a.took / b.took for a, b in zip(ours, theirs, strict=True)]
    spread = " ".join(f"{one:.2f}" for one in ratios)
    print(f"time, {what}: {statistics.median(ratios):.2f} ({target + '; ' if target else ''}{spread})")
    busy = [statistics.median(one.busy for one in runs) for runs in (ours, theirs)]
    print(f"processor time, {what}: {busy[0] / busy[1]:.2f} ({busy[0]:.2f} and {busy[1]:.2f} s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mb", type=int, default=512)
    parser.add_argument("--mbit", type=int, help="the rate of the link; default: none, on loopback")
    parser.add_argument("--tls", action="store_true", help="over https")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    size = arguments.mb * 1024 * 1024
    if arguments.mbit is None:
        compare([], [], "127.0.0.1", size, arguments.runs, limited=False, tls=arguments.tls)
        return
    try:
        with link(arguments.mbit) as (here, there):
            compare(here, there, ADDRESSES[1], size, arguments.runs, limited=True, tls=arguments.tls)
    except subprocess.CalledProcessError as error:
        print(f"no limited link on this machine: {error.cmd[0]}: {str(error.stderr).strip()}")


if __name__ == "__main__":
    main()
