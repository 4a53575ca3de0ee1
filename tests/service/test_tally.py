"""What goes over the network is counted by call and outcome, and no address comes out."""

from __future__ import annotations

import httpx
import pytest

from postpost_sync.service.tally import Tally


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("broken"):
        raise httpx.ConnectError("no")
    return httpx.Response(int(request.url.params.get("status", 200)))


@pytest.mark.parametrize(
    ("method", "url", "counted"),
    [
        ("POST", "https://api.example/api/v1/create-post", "create-post ok"),
        ("PUT", "https://api.example/api/v1/update-post/507f1f77bcf86cd799439011?status=503", "update-post failed"),
        ("GET", "https://api.example/list-posts?status=404", "list-posts refused"),
        ("GET", "https://api.example/v1/get-post/broken", "get-post no_answer"),
        ("PUT", "https://bucket.example/secret-name.jpg?X-Amz-Signature=abc&status=403", "put-object refused"),
        ("GET", "https://api.example/elsewhere", "other ok"),
    ],
)
def test_each_call_is_counted_by_what_came_of_it(method: str, url: str, counted: str) -> None:
    tally = Tally()
    with httpx.Client(transport=tally.over(httpx.MockTransport(answer))) as client:
        try:
            client.request(method, url, content=b"12345" if method == "PUT" else None)
        except httpx.ConnectError:
            assert counted.endswith("no_answer")
    assert tally.counts() == ({counted: 1}, 0)


def test_bytes_count_where_the_store_took_them() -> None:
    tally = Tally()
    with httpx.Client(transport=tally.over(httpx.MockTransport(answer))) as client:
        client.put("https://bucket.example/a.jpg", content=b"12345")
        client.put("https://bucket.example/a.jpg?status=500", content=b"12345")
        client.put("https://api.example/update-post/1", content=b"{}")
    assert tally.counts()[1] == 5
