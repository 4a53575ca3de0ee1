"""How a monitor is pinged, and that nothing that comes out of it has its address."""

from __future__ import annotations

import httpx
import pytest

from postpost_sync.notify.monitor import Monitor, Ping

SECRET = "canary-ping-url"
URL = f"https://hc.example/{SECRET}"


@pytest.mark.parametrize(
    ("url", "ping", "asked"),
    [
        (URL, Ping.WELL, URL),
        (URL, Ping.START, f"{URL}/start"),
        (URL, Ping.FAIL, f"{URL}/fail"),
        (f"{URL}?create=1", Ping.FAIL, f"{URL}/fail?create=1"),
        (f"{URL}/", Ping.FAIL, f"{URL}/fail"),
    ],
)
def test_what_there_is_to_say_stands_behind_the_path(url: str, ping: Ping, asked: str) -> None:
    requests: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200)

    assert Monitor(url, httpx.MockTransport(take)).send(ping, "why") is None
    (request,) = requests
    assert (request.method, str(request.url), request.content) == ("POST", asked, b"why")


@pytest.mark.parametrize("host", ["hc..example", "xn--", f"{'a' * 64}.example"])
def test_an_address_that_no_machine_can_have_is_said(host: str) -> None:
    why = Monitor(f"https://{host}/{SECRET}", httpx.HTTPTransport()).send(Ping.WELL)
    assert why is not None
    assert why.startswith("it cannot be reached: ")
    assert SECRET not in why


@pytest.mark.parametrize(
    ("met", "why"),
    [
        (httpx.Response(404), "it answered 404"),
        (httpx.Response(301, headers={"Location": f"{URL}/elsewhere"}), "it answered 301"),
        (httpx.ReadTimeout(URL), "it did not answer within 10 s"),
        (httpx.ConnectError("[Errno 111] Connection refused"), "it cannot be reached: Connection refused"),
        (httpx.ConnectError(URL), "it cannot be reached: ConnectError"),
        (httpx.RemoteProtocolError(f"/{SECRET}"), "it cannot be reached: RemoteProtocolError"),
    ],
    ids=["refused", "elsewhere", "too late", "nobody", "nobody, said with the URL", "no HTTP"],
)
def test_why_it_did_not_get_through_is_said_without_its_address(met: httpx.Response | Exception, why: str) -> None:
    def take(request: httpx.Request) -> httpx.Response:
        if isinstance(met, Exception):
            raise met
        return met

    assert Monitor(URL, httpx.MockTransport(take)).send(Ping.WELL) == why
