"""The JSON Schemas: made of every key there is, and of one mind with the parsers."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from postpost_sync.__main__ import main
from postpost_sync.commands.schema import text
from postpost_sync.config import keys, load, schema
from postpost_sync.model.errors import ProgramError
from postpost_sync.model.times import TimeProblem, parse_time
from postpost_sync.post import keys as sidecar_keys
from postpost_sync.post import sidecar

SIDECAR = json.loads(text("sidecar"))
CONFIG = json.loads(text("config"))


class Core(yaml.SafeLoader):
    """Loads YAML as editors do: by the core schema of YAML 1.2, not by the older one of PyYAML."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("null", r"(?:~|null|Null|NULL|)", "~nN\0"),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    Core.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}", re.compile(f"^{pattern}$"), list(first) + [""] * (tag == "null")
    )


def refused(made: dict[str, Any], document: str) -> bool:
    return not Draft202012Validator(made).is_valid(yaml.load(document, Core))  # noqa: S506 - it is a SafeLoader


# --- whole ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [SIDECAR, CONFIG], ids=["sidecar", "config"])
def test_a_schema_is_one(made: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(made)
    assert made["$schema"] == schema.DRAFT


@pytest.mark.parametrize("which", ["sidecar", "config"])
def test_the_command_prints_it_and_the_package_carries_the_same(which: str, capsys: pytest.CaptureFixture[str]) -> None:
    """To bring the files up to date: postpost-sync schema WHICH > postpost_sync/config/schemas/WHICH.schema.json"""
    assert main(["schema", which]) == 0
    printed = capsys.readouterr().out
    assert (files("postpost_sync.config") / "schemas" / f"{which}.schema.json").read_text(encoding="utf-8") == printed


def test_another_file_has_no_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "status"]) == 2
    assert "postpost-sync: " in capsys.readouterr().err.splitlines()[-1]


def test_each_key_of_the_sidecar_is_in_it_and_says_what_it_is_for() -> None:
    assert SIDECAR["properties"].keys() == sidecar_keys.SPELLINGS.keys()
    for name, key in sidecar_keys.KEYS.items():
        assert SIDECAR["properties"][name]["description"] == key.about


@pytest.mark.parametrize(
    ("named", "section"),
    [
        pytest.param(keys.KEYS, CONFIG, id="top"),
        pytest.param(keys.API_KEYS, CONFIG["properties"]["api"], id="api"),
        pytest.param(keys.WATCH_KEYS, CONFIG["properties"]["watch"]["items"], id="watch"),
        pytest.param(keys.API_KEYS, CONFIG["properties"]["watch"]["items"]["properties"]["api"], id="watch.api"),
        pytest.param(keys.UPLOAD_KEYS, CONFIG["properties"]["uploads"], id="uploads"),
        pytest.param(keys.NOTIFY_KEYS, CONFIG["properties"]["notify"], id="notify"),
    ],
)
def test_each_key_of_the_config_is_in_it_and_says_what_it_is_for(
    named: dict[str, keys.Key], section: dict[str, Any]
) -> None:
    assert section["properties"].keys() == named.keys()
    for name, key in named.items():
        assert section["properties"][name]["description"].startswith(key.about)


# --- the same verdict -------------------------------------------------------------------------------------------------

POST = "content: Hello\n"


@pytest.mark.parametrize(
    "document",
    [
        POST,
        "content: |\n  Several\n  lines\n",
        "content: 2026\n",
        "content: true\n",
        "content: 1.50\n",
        "content_file: caption.txt\n",
        POST + "platforms: twitter-123\n",
        POST + "platforms: [twitter-123, brand, 123]\n",
        POST + "platforms: []\n",
        POST + "scheduled_time: 2026-12-15 14:30\n",
        POST + "scheduledTime: '2026-12-15T13:30:00.000Z'\n",
        POST + "scheduled_time: Now\n",
        POST + "timezone: Europe/Berlin\n",
        POST + "media: [slide1.jpg, 'slide 2.png', 3]\n",
        POST + "media: ..jpg\n",
        POST + "platform_settings: {}\n",
        POST + "platform_settings: {instagram: {videoType: REELS}, tiktok: {allowDuet: false}, mastodon: {lang: en}}\n",
        POST + "platformSettings: {youtube: {title: 2026, privacy: unlisted}, newcomer: {key: true}}\n",
    ],
)
def test_a_sidecar_that_is_taken(document: str) -> None:
    assert sidecar.parse(document.encode())[1] == ()
    assert not refused(SIDECAR, document)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "just text\n",
        "- a\n- list\n",
        "platforms: [twitter-123]\n",
        "content:\n",
        "content: [a]\n",
        "content: {a: b}\n",
        POST + "content_file: caption.txt\n",
        "content_file: ../caption.txt\n",
        "content_file: ''\n",
        POST + "platfroms: [twitter-123]\n",
        POST + "platforms: {twitter: 123}\n",
        POST + "platforms: [[twitter-123]]\n",
        POST + "platforms: [twitter-123, twitter-123]\n",
        POST + "platforms:\n",
        POST + "scheduled_time:\n",
        POST + "scheduled_time: [now]\n",
        POST + "scheduled_time: now\nscheduledTime: now\n",
        POST + "platform_settings: {}\nplatformSettings: {}\n",
        POST + "media: [a/b.jpg]\n",
        POST + "media: [a\\b.jpg]\n",
        POST + "media: [..]\n",
        POST + "media: {a: b}\n",
        POST + "platform_settings: REELS\n",
        POST + "platform_settings: {instagram: REELS}\n",
        POST + "platform_settings: {mastodon: {lang: }}\n",
    ],
)
def test_a_sidecar_that_is_refused(document: str) -> None:
    assert sidecar.parse(document.encode())[0] is None
    assert refused(SIDECAR, document)


@pytest.mark.parametrize(
    "time",
    [
        "2026-12-15 14:30",
        "2026-12-15 9:05",
        "2026-12-15T14:30",
        "2026-12-15t14:30:00z",
        "2026-12-15T13:30:00.123456+01:00",
        "2026-12-15 14:30 +0100",
        "2026-12-15",
        "2026-12-15 14",
        "15.12.2026 14:30",
        "tomorrow",
        "14:30",
        "2026-12-15 14:30 CET",
    ],
)
def test_a_time_is_written_alike_for_both(time: str) -> None:
    try:
        parse_time(time, "Europe/Berlin")
        wrong = False
    except TimeProblem:
        wrong = True
    assert refused(SIDECAR, f"{POST}scheduled_time: '{time}'\n") is wrong


@pytest.mark.parametrize(
    "settings", ["instagram: {videoType: REEL}", "tiktok: {allowDuet: maybe}", "youtube: {privacy: secret}"]
)
def test_a_setting_that_preflight_refuses_is_shown_in_the_editor_already(settings: str) -> None:
    assert refused(SIDECAR, f"{POST}platform_settings: {{{settings}}}\n")


WATCH = "watch: [{path: /srv/posts}]\n"


def wrong(document: str, place: Path) -> bool:
    file = place / "config.yaml"
    file.write_text(document)
    try:
        load.load(file, {"HOME": str(place)})
    except ProgramError:
        return True
    return False


@pytest.mark.parametrize(
    "document",
    [
        WATCH,
        "watch:\n- path: ~/Posts\n  timezone: Europe/Berlin\n  settle: 60s\n  observer: polling\n  poll_interval: 90\n"
        "  default_platforms: twitter-123\n  api: {key: abc, user_id: 507f1f77bcf86cd799439011}\n",
        WATCH + "api:\nuploads:\n",
        WATCH + "api: {key_file: null, key: ~, user_id: }\n",
        WATCH + "api: {base_url: 'HTTPS://example.org/api', key_file: /etc/key}\n",
        WATCH + "api: {base_url: 'http://127.0.0.1:7311/api/v1'}\n",
        WATCH + "accounts: {brand: [instagram-456, threads-789], one: twitter-123}\n",
        WATCH
        + "timezone: UTC\nstate_db: /var/lib/x.db\nsettle: 0\nrescan: 1.5h\nlate_tolerance: 500ms\ncatch_up: 1d\n",
        WATCH + "uploads: {concurrency: 64}\n",
        WATCH + "uploads: {concurrency: '8'}\n",
        WATCH + "on_remove: cancel\nignore: ['*.bak', old]\n",
        WATCH + "notify:\n",
        WATCH + "notify: {urls: 'ntfy://topic', urls_file: ~/urls, on: [invalid, published], digest: 30s}\n",
        WATCH + "notify: {urls: ['json://127.0.0.1:8080/x?y=z', mailto://me@example.org], on: [], digest: 0}\n",
        WATCH + "limits: {twitter: {text: 25000}, mastodon: {text: '1e4', image_bytes: 1.5e6, aspect_min: 0.5}}\n",
        WATCH + "limits: {X: {text: 25000, text_premium: 9}, Instagram: {daily_posts: 50}, ANY: {videos: 2}}\n",
    ],
)
def test_a_config_that_is_taken(document: str, tmp_path: Path) -> None:
    assert not wrong(document, tmp_path)
    assert not refused(CONFIG, document)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "watch: []\n",
        "watch: /srv/posts\n",
        "watch: [/srv/posts]\n",
        "watch: [{timezone: UTC}]\n",
        "watch: [{path: posts}]\n",
        "watch: [{path: 5}]\n",
        "watch: [{path: /srv/posts, observer: inotify}]\n",
        "watch: [{path: /srv/posts, poll_interval: 0}]\n",
        "watch: [{path: /srv/posts, poll_interval: 0.0s}]\n",
        "watch: [{path: /srv/posts, nonsense: 1}]\n",
        "watch: [{path: /srv/posts, default_platforms: [a, a]}]\n",
        WATCH + "wacth: []\n",
        WATCH + "api: key\n",
        WATCH + "api: {base_url: 'http://example.org'}\n",
        WATCH + "api: {base_url: 'http://localhost.example.org'}\n",
        WATCH + "api: {base_url: ftp://example.org}\n",
        WATCH + "api: {user_id: two words}\n",
        WATCH + "api: {key: [a]}\n",
        WATCH + "accounts: [brand]\n",
        WATCH + "accounts: {brand: {a: b}}\n",
        WATCH + "timezone:\n",
        WATCH + "timezone: 2\n",
        WATCH + "settle: soon\n",
        WATCH + "settle: -5\n",
        WATCH + "settle: 10 weeks\n",
        WATCH + "rescan: 0s\n",
        WATCH + "settle: 400000000\n",
        WATCH + "uploads: {concurrency: 0}\n",
        WATCH + "uploads: {concurrency: 65}\n",
        WATCH + "uploads: {concurrency: many}\n",
        WATCH + "uploads: {concurrency: 1.5}\n",
        WATCH + "on_remove: delete\n",
        WATCH + "notify: ntfy://topic\n",
        WATCH + "notify: {url: ntfy://topic}\n",
        WATCH + "notify: {urls: [topic]}\n",
        WATCH + "notify: {urls: {a: ntfy://topic}}\n",
        WATCH + "notify: {on: [everything]}\n",
        WATCH + "notify: {digest: soon}\n",
        WATCH + "limits: {twiter: {text: 1}}\n",
        WATCH + "limits: {xx: {text: 1}}\n",
        WATCH + "limits: {twitter: {words: 1}}\n",
        WATCH + "limits: {twitter: {text: long}}\n",
        WATCH + "limits: {twitter: 25000}\n",
        WATCH + "limits: {twitter: {text: -1}}\n",
        WATCH + "limits: {twitter: {text: 2.5}}\n",
        WATCH + "ignore: {a: b}\n",
    ],
)
def test_a_config_that_is_refused(document: str, tmp_path: Path) -> None:
    assert wrong(document, tmp_path)
    assert refused(CONFIG, document)


def test_the_example_config_is_valid() -> None:
    example = Path(__file__).parents[2] / "config.example.yaml"
    assert not refused(CONFIG, example.read_text(encoding="utf-8"))


def test_null_as_a_text_needs_quotes_in_an_editor() -> None:
    """The one place where an editor is stricter: it cannot tell the word from nothing at all."""
    assert sidecar.parse(b"content: null\n")[1] == ()
    assert refused(SIDECAR, "content: null\n")
    assert not refused(SIDECAR, "content: 'null'\n")
