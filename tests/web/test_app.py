"""What `web` serves, to whom, and what it never does: asked over a real socket."""

from __future__ import annotations

import pydoc
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urljoin

import httpx
import icalendar
import pytest

from postpost_sync.calendar.seen import WatchRoot
from postpost_sync.model.errors import ProgramError
from postpost_sync.model.record import MediaName
from postpost_sync.model.states import State
from postpost_sync.model.vitals import Vitals
from postpost_sync.store import Store
from postpost_sync.web import app as application
from postpost_sync.web import server
from postpost_sync.web.guard import COOKIE, in_cookie
from postpost_sync.web.server import Address, served
from postpost_sync.web.source import Source
from tests.support.drops import picture
from tests.support.served import Served, of

TOKEN = "plainly-fake-token"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all of them: what some of them add to it is in nobody's way."""
    one = Served(tmp_path_factory.mktemp("served"))
    with served(one.source, one.address):
        yield one
    one.store.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("guarded"))
    with served(one.source, one.address, TOKEN):
        yield one
    one.store.close()


# --- what is served ---------------------------------------------------------------------------------------------------


def test_the_page_shows_every_post_that_is_in_view(web: Served) -> None:
    answer = web.get("/")
    assert answer.status_code == 200
    since = web.now - timedelta(days=14)
    for one in web.records:
        if one.state is not State.CANCELLED and (one.time is None or one.time > since):
            assert f'id="p-{one.folder_id}"' in answer.text or f"-{one.folder_id}" in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", ["/", "/calendar.ics"])
def test_what_did_not_change_is_not_sent_again(path: str, web: Served) -> None:
    """Within a minute, that is: then a page says how things stand anew."""
    for _ in range(3):
        first = web.get(path)
        if (again := web.get(path, headers={"If-None-Match": first.headers["ETag"]})).status_code == 304:
            break
    assert (again.status_code, again.content) == (304, b"")


def test_what_a_proxy_has_packed_is_not_sent_again_either(web: Served) -> None:
    tag = web.get("/calendar.ics").headers["ETag"]
    answer = web.get("/calendar.ics", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/post/{}"])
def test_each_link_leads_somewhere_also_where_a_proxy_serves_it_below_a_path(path: str, web: Served) -> None:
    path = path.format(of(web, State.PUBLISHED))
    found = re.findall(r'(?:href|src)="([^"]+)"', web.get(path).text)
    inner = {one for one in found if not one.startswith(("https:", "#"))}
    assert len(inner) > 4
    for one in inner:
        below = urljoin(f"/below/a/path{path}", one)
        assert below.startswith("/below/a/path/"), one
        assert web.get(below.removeprefix("/below/a/path")).status_code == 200, one


def test_other_weeks_are_asked_for_by_their_day(web: Served) -> None:
    later = web.get("/?from=2027-06-02")
    assert 'id="w-2027-05-31"' in later.text
    for wrong in ("2027-13-45", "../../etc/passwd", "9999-12-31", "\u0662026-12-01", ""):
        assert web.get("/", params={"from": wrong}).status_code == 400


def test_a_post_tells_all_about_itself(web: Served) -> None:
    partly = of(web, State.PARTIALLY_PUBLISHED)
    text = web.get(f"/post/{partly}").text
    assert "too many posts today" in text
    assert "RATE_LIMITED" in text
    assert "slide0.jpg" in text
    assert text.index("slide0.jpg") < text.index("slide2.jpg")
    assert "PostPost took it for" not in text  # its group has no time at which it was placed
    assert "the folder was seen for the first time" in text


def test_what_went_out_has_its_link(web: Served) -> None:
    text = web.get(f"/post/{of(web, State.PUBLISHED)}").text
    assert 'href="https://www.linkedin.com/feed/update/urn:li:share:17' in text


@pytest.mark.parametrize(
    "path",
    [
        "/post/nobody", "/post/..%2f..%2fetc%2fpasswd", "/post/00000000-0000-4000-8000-999999999999", "/thumb/x/0",
        "/thumb/00000000-0000-4000-8000-000000000000/-1", "/thumb/00000000-0000-4000-8000-000000000000/%2e%2e",
        "/../config.yaml", "/state.db", "//etc/passwd", "/static/../x",
    ],
)  # fmt: skip
def test_there_is_nothing_at_other_addresses(path: str, web: Served) -> None:
    assert web.get(path).status_code == 404


def test_a_post_of_a_root_that_is_not_served_is_not_there(web: Served) -> None:
    other = web.store.add("/elsewhere", "post", 5, 1, web.now)
    assert web.get(f"/post/{other.folder_id}").status_code == 404


def test_a_thumbnail_is_made_and_nothing_is_written(web: Served) -> None:
    folder = web.root / "new"
    folder.mkdir()
    (folder / "post.yaml").write_text("content: x\n")
    (folder / "a.jpg").write_bytes(picture(size=(800, 800)))
    added = web.store.add(str(web.root), "new", 1, 1, web.now)
    web.store.change(added.key, lambda one: replace(one, media=(MediaName("a.jpg", 1),)))
    before = sorted(web.place.rglob("*"))
    answer = web.get(f"/thumb/{added.folder_id}/0")
    assert (answer.headers["Content-Type"], answer.content[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    assert len(answer.content) < 40_000
    assert web.get(f"/thumb/{added.folder_id}/1").headers["Content-Type"] == "image/gif"
    assert sorted(web.place.rglob("*")) == before


def test_the_feed_can_be_read(web: Served) -> None:
    answer = web.get("/calendar.ics")
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert len(list(icalendar.Calendar.from_ical(answer.content).walk("VEVENT"))) > 30


def test_the_numbers_say_how_things_stand(web: Served) -> None:
    web.store.overview.set_vitals(
        Vitals(
            "2026-12-01T08:00:00.000Z", 5000, {"create-post ok": 3, "put-object no_answer": 1}, {str(web.root): True}
        ).text()
    )
    lines = web.get("/metrics").text.splitlines()
    assert 'postpost_sync_posts{state="scheduled"} 20.0' in lines
    assert 'postpost_sync_posts{state="held"} 4.0' in lines
    assert 'postpost_sync_service_calls_total{call="create-post",outcome="ok"} 3.0' in lines
    assert 'postpost_sync_service_calls_total{call="put-object",outcome="no_answer"} 1.0' in lines
    assert "postpost_sync_sent_bytes_total 5000.0" in lines
    assert f'postpost_sync_key_accepted{{root="{web.root}"}} 1.0' in lines
    assert f'postpost_sync_root_up{{root="{web.root}"}} 1.0' in lines
    assert any(line.startswith("postpost_sync_next_due_timestamp_seconds 1.") for line in lines)
    assert "postpost_sync_daemon_running 0.0" in lines


def test_healthz_says_why_not(web: Served) -> None:
    answer = web.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "the daemon is not running\n")


def test_a_database_that_is_not_there_is_said_and_found_when_it_comes(tmp_path: Path) -> None:
    source = Source(tmp_path / "state.db", [WatchRoot("/srv/posts", "UTC")], 300.0)
    address = Address("127.0.0.1:0")
    with served(source, address):
        url = f"http://127.0.0.1:{address.port}/"
        answer = httpx.get(url, trust_env=False)
        assert (answer.status_code, answer.text.splitlines()[0]) == (503, "there is no database yet")
        Store.open(tmp_path / "state.db").close()
        assert httpx.get(url, trust_env=False).status_code == 200


def test_a_database_that_was_put_in_anothers_place_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    one, later = Served(tmp_path), Served(tmp_path / "later")
    record = next(entry for entry in later.store.records() if entry.state is State.SCHEDULED)
    later.store.change(record.key, lambda old: replace(old, state=State.FAILED))
    for store in (one.store, later.store):
        store.close()
    with served(one.source, one.address):
        assert 'postpost_sync_posts{state="failed"} 4.0' in one.get("/metrics").text
        later.state_db.replace(one.state_db)
        answer = one.get("/metrics")
        assert (answer.status_code, 'postpost_sync_posts{state="failed"} 5.0' in answer.text) == (200, True)


def test_the_daemon_writes_while_pages_are_read(web: Served) -> None:
    """No read holds up a write: here a page is made again and again meanwhile."""
    ending = threading.Event()

    def read() -> None:
        while not ending.is_set():
            web.get("/")

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with sqlite3.connect(web.state_db, timeout=0.05) as other:
            for number in range(50):
                other.execute("UPDATE folders SET device = ? WHERE key = 1", (number,))
                other.commit()
    finally:
        ending.set()
        reader.join()
        other.close()


# --- many, slow and broken ones at once ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "maker"), [("/", "page.live_page"), ("/calendar.ics", "feed.feed")])
def test_what_many_ask_for_at_once_is_made_once(
    path: str, maker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, made = Served(tmp_path), Mock(wraps=pydoc.locate(f"postpost_sync.calendar.{maker}"))
    monkeypatch.setattr(f"postpost_sync.calendar.{maker}", made)
    monkeypatch.setattr(one.source, "version", lambda: "1")  # else a minute may begin meanwhile
    with served(one.source, one.address), ThreadPoolExecutor(30) as many:
        answers = list(many.map(lambda _: one.get(path), range(30)))
    one.store.close()
    assert {answer.status_code for answer in answers} == {200}
    assert made.call_count == 1


def test_a_share_that_does_not_answer_holds_up_pictures_alone(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(web.source, "thumbnail", lambda *_: answered.wait(60) and None)
    monkeypatch.setattr(application, "READ_WITHIN", 0.1)
    address = f"/thumb/{of(web, State.PUBLISHED)}/0"
    with ThreadPoolExecutor(60) as many:
        asked = [many.submit(web.get, address) for _ in range(60)]
        for path in ("/", "/metrics", "/calendar.ics", f"/post/{of(web, State.PUBLISHED)}"):
            assert web.get(path).status_code == 200
        answered.set()
        assert {one.result().headers["Content-Type"] for one in asked} == {"image/gif"}


@pytest.mark.parametrize(
    "before", [b"", b"GET /live.js HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"], ids=["first", "next"]
)
def test_who_does_not_come_to_the_point_is_hung_up_on(
    before: bytes, web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.2)
    with socket.create_connection(("127.0.0.1", web.address.port), 20) as slow:
        slow.sendall(before.replace(b"{port}", str(web.address.port).encode()) + b"GET / HT")
        while slow.recv(65536):
            pass  # ends when the other side ends


def test_who_follows_is_not_hung_up_on_and_who_asks_for_the_head_alone_gets_that(
    web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.05)
    monkeypatch.setattr(application, "ALIVE_EVERY", 1)
    with httpx.stream("GET", f"http://127.0.0.1:{web.address.port}/changes", trust_env=False, timeout=20) as stream:
        lines = stream.iter_lines()
        assert sum(next(lines) == ":" for _ in range(8)) > 1
    head = httpx.head(f"http://127.0.0.1:{web.address.port}/changes", trust_env=False, timeout=20)
    assert head.headers["Content-Type"] == "text/event-stream; charset=utf-8"


def test_a_page_too_many_is_told_nothing_and_asks_again(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "MOST_LISTENERS", 0)
    answer = web.get("/changes")
    assert (answer.status_code, answer.text) == (200, "")


# --- who may ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "localhost.evil.example:{port}"]
)
def test_on_loopback_only_the_names_of_this_machine_are_answered(host: str, web: Served) -> None:
    answer = web.get("/", headers={"Host": host.format(port=web.address.port)})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_the_names_of_this_machine_are_answered(host: str, web: Served) -> None:
    assert web.get("/", headers={"Host": host.format(port=web.address.port)}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(method: str, web: Served) -> None:
    answer = httpx.request(method, f"http://127.0.0.1:{web.address.port}/", trust_env=False)
    assert answer.status_code == 405


@pytest.mark.parametrize("path", ["/", "/nothing", "/metrics", "/live.js", "/calendar.css", "/healthz"])
def test_every_answer_is_fenced_in(path: str, web: Served) -> None:
    headers = web.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/calendar.ics", "/metrics", "/healthz", "/changes", "/live.js", "/nothing"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"params": {"token": "wrong"}},
        {"headers": {"Authorization": "Bearer wrong"}},
        {"headers": {"Cookie": f"{COOKIE}={TOKEN}"}},
        {"headers": {"Cookie": f"{COOKIE}="}},
    ],
    ids=["nothing", "a wrong token", "a wrong bearer", "the token as the cookie", "an empty cookie"],
)
def test_without_the_token_nothing_is_told(path: str, more: dict[str, Any], guarded: Served) -> None:
    answer = guarded.get(path, **more)
    assert answer.status_code == 401
    assert "post" not in answer.text


def test_the_token_comes_once_and_is_a_cookie_from_then_on(guarded: Served) -> None:
    answer = guarded.get(f"/?from=2027-01-01&token={TOKEN}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "./?from=2027-01-01")
    cookie = answer.headers["Set-Cookie"]
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert guarded.get("/", cookies={COOKIE: in_cookie(TOKEN)}).status_code == 200


def test_behind_a_proxy_with_tls_the_cookie_never_goes_without_and_any_name_will_do(guarded: Served) -> None:
    proxied = {"Host": "posts.example.org", "X-Forwarded-Proto": "https"}
    assert "Secure" in guarded.get(f"/?token={TOKEN}", headers=proxied).headers["Set-Cookie"]
    assert "Secure" not in guarded.get(f"/?token={TOKEN}").headers["Set-Cookie"]
    assert guarded.get("/", headers=proxied).status_code == 401


def test_programs_bring_the_token_with_each_request(guarded: Served) -> None:
    assert guarded.get(f"/calendar.ics?token={TOKEN}").status_code == 200
    assert guarded.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_token_leads_to_no_other_host(guarded: Served) -> None:
    for path in ("//evil.example/", "//evil.example", "/%2f%2fevil.example", "/\\evil.example"):
        led = guarded.get(f"{path}?token={TOKEN}").headers["Location"]
        assert urljoin("http://here/", led).startswith("http://here/"), path


# --- where it listens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "loopback"),
    [
        ("127.0.0.1:8484", True),
        ("localhost:80", True),
        ("[::1]:8484", True),
        ("0.0.0.0:8484", False),
        ("[::]:1", False),
    ],
)
def test_it_is_known_whether_others_can_reach_an_address(written: str, loopback: bool) -> None:
    assert Address(written).loopback is loopback


@pytest.mark.parametrize("written", ["8484", ":8484", "127.0.0.1", "127.0.0.1:99999", "http://x:1", "a b:1", "[::1:80"])
def test_what_is_no_address_is_said(written: str) -> None:
    with pytest.raises(ProgramError, match="is not an address"):
        Address(written)


def test_a_port_that_is_taken_is_said(web: Served) -> None:
    with pytest.raises(ProgramError, match="cannot listen"):
        Address(f"127.0.0.1:{web.address.port}").listening()
