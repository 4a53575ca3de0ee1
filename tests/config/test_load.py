"""The config file: where it is found, what it may hold, and what is wrong with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import postpost_sync.config.load
from postpost_sync.config.keys import BASE_URL, KEYS
from postpost_sync.config.load import Api, Config, ConfigError, Notify, Root, default_state_db, find, load
from postpost_sync.disk import links
from postpost_sync.model.errors import Finding, ProgramError
from postpost_sync.model.post import Policy
from postpost_sync.notify.events import Event
from tests.support.configs import WATCH, read


def wrong(file: Path, text: str | bytes) -> tuple[Finding, ...]:
    with pytest.raises(ConfigError) as caught:
        read(file, text)
    return caught.value.findings


# --- finding it -------------------------------------------------------------------------------------------------------


def test_the_option_wins_then_the_environment_then_the_home(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "POSTPOST_SYNC_CONFIG": "/etc/b.yaml"}
    assert find("/etc/a.yaml", environ) == Path("/etc/a.yaml")
    assert find(None, environ) == Path("/etc/b.yaml")
    own = tmp_path / ".config" / "postpost-sync" / "config.yaml"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find(None, {"HOME": str(tmp_path)}) == own
    elsewhere = tmp_path / "xdg" / "postpost-sync" / "config.yaml"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.touch()
    assert find(None, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}) == elsewhere


def test_no_config_names_the_places_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ProgramError) as caught:
        find(None, {"HOME": str(tmp_path)})
    assert f"{tmp_path}/.config/postpost-sync/config.yaml" in caught.value.message
    assert str(postpost_sync.config.load.SYSTEM_CONFIG) in caught.value.message
    assert "postpost-sync demo" in caught.value.hint


@pytest.mark.parametrize("option", ["nowhere.yaml", "~nosuchuser/config.yaml"])
def test_a_config_that_is_not_there(tmp_path: Path, option: str) -> None:
    with pytest.raises(ProgramError, match="No such file") as caught:
        load(tmp_path / find(option, {}), {})
    assert caught.value.hint


def test_a_folder_as_config(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


# --- what it holds ----------------------------------------------------------------------------------------------------


def test_defaults(file: Path) -> None:
    config = read(file, WATCH)
    assert config == Config(
        file=file,
        roots=(Root(Path("/srv/posts"), Api(), Policy(), "auto", 30.0),),
        api=Api(BASE_URL),
        state_db=file.parent / ".local/state/postpost-sync/state.db",
        rescan=300.0,
        concurrency=4,
    )
    policy = config.roots[0].policy
    assert (policy.timezone, policy.settle, policy.late_tolerance, policy.catch_up) == ("UTC", 10.0, 900.0, 21600.0)
    assert (policy.cancel_removed, policy.default_platforms, dict(policy.accounts)) == (False, (), {})


def test_every_key(file: Path, own_home: Path) -> None:
    config = read(
        file,
        """
api:
  base_url: https://postpost.example/api/v1/
  key_file: /etc/postpost-sync/api-key
  user_id: 507f1f77bcf86cd799439011
watch:
  - path: ~/Posts
    timezone: Europe/Berlin
    settle: 60s
    observer: polling
    poll_interval: 1m
    default_platforms: [brand]
    api: {key_file: ~/key, user_id: someone}
  - path: /srv/other/../posts/
accounts:
  brand: [instagram-456, threads-789]
  me: twitter-1
timezone: Asia/Tokyo
state_db: /var/lib/x/state.db
settle: 500ms
rescan: 2h
uploads: {concurrency: 8}
late_tolerance: 0
catch_up: 1d
on_remove: cancel
ignore: ["*.bak", raw]
""",
    )
    first, second = config.roots
    accounts = {"brand": ("instagram-456", "threads-789"), "me": ("twitter-1",)}
    assert config.api == Api(
        "https://postpost.example/api/v1", Path("/etc/postpost-sync/api-key"), None, config.api.user_id
    )
    assert config.api.user_id == "507f1f77bcf86cd799439011"
    assert first == Root(
        own_home / "Posts",
        Api("https://postpost.example/api/v1", own_home / "key", None, "someone"),
        Policy("Europe/Berlin", 60.0, ("brand",), accounts, 0.0, 86400.0, cancel_removed=True, ignore=("*.bak", "raw")),
        "polling",
        60.0,
        own_account=True,
    )
    assert second.path == Path("/srv/posts")
    assert (second.policy.timezone, second.policy.settle, second.own_account) == ("Asia/Tokyo", 0.5, False)
    assert second.api == config.api
    assert (config.state_db, config.rescan, config.concurrency) == (Path("/var/lib/x/state.db"), 7200.0, 8)
    assert config.ignore == ("*.bak", "raw")
    assert config.warnings == ()


def test_copies_are_made_unless_the_config_or_a_root_says_otherwise(file: Path) -> None:
    two = "watch:\n  - path: /srv/posts\n  - path: /srv/raw\n    fit: {}\n"
    assert [root.policy.fit for root in read(file, two.format("false")).roots] == [True, False]
    assert [root.policy.fit for root in read(file, two.format("true") + "fit: false\n").roots] == [False, True]


@pytest.mark.parametrize(
    "text", ["api:\n", "api: {key: null, key_file: ~, user_id: }\n", "uploads: {}\n", "accounts: {}\n", "ignore: []\n"]
)
def test_sections_and_keys_may_be_left_empty(file: Path, text: str) -> None:
    assert read(file, WATCH + text).api == Api()


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"HOME": "/home/me"}, "/home/me/.local/state/postpost-sync/state.db"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": "/state"}, "/state/postpost-sync/state.db"),
        ({"HOME": "/home/me", "STATE_DIRECTORY": "/var/lib/postpost-sync"}, "/var/lib/postpost-sync/state.db"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a/state.db"),
    ],
)
def test_the_database_goes_where_the_system_says(environ: dict[str, str], place: str) -> None:
    assert default_state_db(environ) == Path(place)


# --- what is wrong with it --------------------------------------------------------------------------------------------


BAD = [
    ("not YAML", "watch: ]", "YAML_SYNTAX", 1, "not valid YAML"),
    ("latin-1", WATCH.encode() + b"timezone: caf\xe9\n", "YAML_NOT_UTF8", 3, "0xe9"),
    ("binary", b"\x00\x01", "YAML_CONTROL_CHARACTER", 1, "U+0000"),
    ("a tag", WATCH + "timezone: !!str UTC\n", "YAML_TAG", 3, ""),
    ("an anchor", WATCH + "timezone: &z UTC\n", "YAML_ALIAS", 3, ""),
    ("empty", "", "NO_ROOTS", 0, "watch:"),
    ("nothing to watch", "watch: []\n", "NO_ROOTS", 1, "watch:"),
    ("watch as a path", "watch: /srv/posts\n", "NO_ROOTS", 1, "watch:"),
    ("watch as a map", "watch: {path: /srv}\n", "NO_ROOTS", 1, "watch:"),
    ("a root as a text", "watch: [/srv/posts]\n", "WRONG_TYPE", 1, "watch is text"),
    ("a root without a path", "watch:\n  - settle: 5s\n", "NO_PATH", 2, "no path"),
    ("a relative path", "watch:\n  - path: posts\n", "PATH_NOT_ABSOLUTE", 2, 'watch.path: "posts"'),
    ("a path without a value", "watch:\n  - path:\n", "NO_VALUE", 2, "watch.path"),
    ("the home of nobody", "watch:\n  - path: ~nosuchuser/posts\n", "NO_SUCH_USER", 2, "watch.path"),
    ("the same root twice", WATCH + "  - path: /srv/posts/\n", "ROOTS_OVERLAP", 3, "/srv/posts"),
    ("a root in a root", WATCH + "  - path: /srv/posts/a\n", "ROOTS_OVERLAP", 3, "/srv/posts/a"),
    ("a root around a root", WATCH + "  - path: /srv\n", "ROOTS_OVERLAP", 3, "/srv"),
    ("an unknown key", WATCH + "colour: red\n", "UNKNOWN_KEY", 3, '"colour" is not a key'),
    ("a misspelt key", WATCH + "time_zone: UTC\n", "UNKNOWN_KEY", 3, '"time_zone" is not a key'),
    ("an unknown key of api", WATCH + "api: {token: x}\n", "UNKNOWN_KEY", 3, 'api."token" is not a key'),
    ("an unknown key of a root", WATCH + "    rescan: 5m\n", "UNKNOWN_KEY", 3, 'watch."rescan" is not a key'),
    ("an unknown key of a root's api", WATCH + "    api: {keyfile: /x}\n", "UNKNOWN_KEY", 3, 'watch.api."keyfile"'),
    ("an unknown key of uploads", WATCH + "uploads: {threads: 4}\n", "UNKNOWN_KEY", 3, 'uploads."threads"'),
    ("a key twice", WATCH + "settle: 5s\nsettle: 6s\n", "DUPLICATE_KEY", 4, "lines 3 and 4"),
    ("api as a text", WATCH + "api: https://x\n", "WRONG_TYPE", 3, "api is text"),
    ("uploads as a number", WATCH + "uploads: 4\n", "WRONG_TYPE", 3, "uploads is text"),
    ("accounts as a list", WATCH + "accounts: [a]\n", "WRONG_TYPE", 3, "accounts: is a list"),
    ("an account as a map", WATCH + "accounts: {a: {b: c}}\n", "WRONG_TYPE", 3, "accounts: is a map"),
    ("a duration in words", WATCH + "settle: ten seconds\n", "BAD_DURATION", 3, 'settle: "ten seconds"'),
    ("a negative duration", WATCH + "catch_up: -5m\n", "BAD_DURATION", 3, "catch_up"),
    ("a duration as a list", WATCH + "late_tolerance: [5m]\n", "WRONG_TYPE", 3, "late_tolerance"),
    ("a duration without a value", WATCH + "rescan:\n", "NO_VALUE", 3, "rescan"),
    ("a duration of centuries", WATCH + "catch_up: 99999d\n", "BAD_DURATION", 3, "catch_up"),
    ("no time between rescans", WATCH + "rescan: 0\n", "BAD_DURATION", 3, "rescan"),
    ("no time between polls", WATCH + "    poll_interval: 0s\n", "BAD_DURATION", 3, "watch.poll_interval"),
    ("a root's duration", WATCH + "    settle: 5x\n", "BAD_DURATION", 3, "watch.settle"),
    ("no uploads", WATCH + "uploads: {concurrency: 0}\n", "BAD_NUMBER", 3, "uploads.concurrency"),
    ("too many uploads", WATCH + "uploads: {concurrency: 65}\n", "BAD_NUMBER", 3, "from 1 to 64"),
    ("uploads beyond counting", WATCH + f"uploads: {{concurrency: {'9' * 5000}}}\n", "BAD_NUMBER", 3, "concurrency"),
    ("half an upload", WATCH + "uploads: {concurrency: 1.5}\n", "BAD_NUMBER", 3, "uploads.concurrency"),
    ("a point between thousands", WATCH + "limits: {x: {text: 25.000}}\n", "BAD_NUMBER", 3, "twitter: text: "),
    ("seconds with it", WATCH + "limits: {x: {duration_max: 1.800}}\n", "BAD_NUMBER", 3, "twitter: duration_max: "),
    ("a comma there", WATCH + "limits:\n  x:\n    text: 25,000\n", "BAD_NUMBER", 5, "twitter: text: "),
    ("a comma in a list", WATCH + "limits: {x: {text: 25,000}}\n", "UNKNOWN_KEY", 3, 'twitter: "000"'),
    ("half a picture", WATCH + "limits: {x: {images: 1.5}}\n", "BAD_NUMBER", 3, "not a whole number"),
    ("megabytes", WATCH + "limits: {x: {image_bytes: 5MB}}\n", "BAD_NUMBER", 3, "twitter: image_bytes"),
    ("digits of another script", WATCH + "limits: {x: {text: ٢٥٠٠٠}}\n", "BAD_NUMBER", 3, "twitter: text"),
    ("a duration in thousands", WATCH + "settle: 1.500\n", "BAD_DURATION", 3, "write 1500 or 1.5"),
    ("an observer", WATCH + "    observer: inotify\n", "BAD_CHOICE", 3, "auto, native, polling"),
    ("what to do on removal", WATCH + "on_remove: delete\n", "BAD_CHOICE", 3, "keep, cancel"),
    ("a time zone", WATCH + "timezone: Berlin\n", "BAD_TIMEZONE", 3, "timezone"),
    ("a root's time zone", WATCH + "    timezone: Europe/Berln\n", "BAD_TIMEZONE", 3, "watch.timezone"),
    ("http to elsewhere", WATCH + "api: {base_url: 'http://postpost.dev/api'}\n", "URL_NOT_SECURE", 3, "api.base_url"),
    (
        "http to the local net",
        WATCH + "api: {base_url: 'http://192.168.1.2/api'}\n",
        "URL_NOT_SECURE",
        3,
        "api.base_url",
    ),
    ("http to a lookalike", WATCH + "api: {base_url: 'http://localhost.evil.com'}\n", "URL_NOT_SECURE", 3, "base_url"),
    ("http behind a user", WATCH + "api: {base_url: 'http://127.0.0.1@evil.com'}\n", "URL_NOT_SECURE", 3, "base_url"),
    ("a URL with a user", WATCH + "api: {base_url: 'https://me@postpost.dev'}\n", "BAD_URL", 3, "api.base_url"),
    ("another scheme", WATCH + "api: {base_url: 'ftp://postpost.dev'}\n", "BAD_URL", 3, "api.base_url"),
    ("no host", WATCH + "api: {base_url: 'https:///api'}\n", "BAD_URL", 3, "api.base_url"),
    ("no URL", WATCH + "api: {base_url: postpost}\n", "BAD_URL", 3, "api.base_url"),
    ("a broken address", WATCH + "api: {base_url: 'https://[::1/api'}\n", "BAD_URL", 3, "api.base_url"),
    ("a port that is none", WATCH + "api: {base_url: 'https://postpost.dev:99999'}\n", "BAD_URL", 3, "api.base_url"),
    ("a host with a slip", WATCH + "api: {base_url: 'https://api..postpost.dev'}\n", "BAD_URL", 3, "api.base_url"),
    ("a URL with a query", WATCH + "api: {base_url: 'https://postpost.dev?key=x'}\n", "BAD_URL", 3, "api.base_url"),
    ("a URL with a blank", WATCH + "api: {base_url: 'https://postpost.dev /api'}\n", "BAD_URL", 3, "api.base_url"),
    ("a user id of two lines", WATCH + 'api: {user_id: "a\\nb"}\n', "BAD_USER_ID", 3, "api.user_id"),
    ("a path as a pattern", WATCH + "ignore: [team/drafts/]\n", "BAD_PATTERN", 3, "ignore"),
    ("a pattern that hides the sidecars", WATCH + "ignore: ['*.YAML']\n", "BAD_PATTERN", 3, "post.yaml"),
    ("a pattern that hides everything", WATCH + "ignore: ['*']\n", "BAD_PATTERN", 3, "post.yaml"),
    ("a relative key file", WATCH + "api: {key_file: key}\n", "PATH_NOT_ABSOLUTE", 3, "api.key_file"),
    ("a relative database", WATCH + "state_db: state.db\n", "PATH_NOT_ABSOLUTE", 3, "state_db"),
]


@pytest.mark.parametrize(("text", "code", "line", "named"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_config_is_said_with_file_line_key_and_fix(
    file: Path, text: str | bytes, code: str, line: int, named: str
) -> None:
    (found,) = wrong(file, text)
    assert found.code == code
    assert found.message.startswith(f"{file}, line {line}: " if line else f"{file}: ")
    assert named in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (WATCH + "time_zone: UTC\n", 'did you mean "timezone"?'),
        (WATCH + "api: {keyfile: /x}\n", 'did you mean "key_file"?'),
        (WATCH + "    default_platform: x-1\n", 'did you mean "default_platforms"?'),
        (WATCH + "timezone: Europe/Berln\n", 'did you mean "Europe/Berlin"?'),
        (WATCH + "    observer: poling\n", 'did you mean "polling"?'),
        (
            WATCH + "ignore: [team/drafts/**]\n",
            'write the name alone, such as "drafts": it is ignored wherever it lies',
        ),
    ],
)
def test_a_near_miss_is_suggested(file: Path, text: str, hint: str) -> None:
    (found,) = wrong(file, text)
    assert found.hint == hint


def test_all_that_is_wrong_is_said_at_once_one_line_each(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(file, "colour: red\nsettle: x\nwatch:\n  - path: a\n  - paht: /b\n")
    codes = [f.code for f in caught.value.findings]
    assert codes == ["UNKNOWN_KEY", "BAD_DURATION", "PATH_NOT_ABSOLUTE", "UNKNOWN_KEY", "NO_PATH"]
    assert len(str(caught.value).splitlines()) == len(codes)


def test_a_link_to_a_root_is_that_root_again(file: Path, tmp_path: Path) -> None:
    (tmp_path / "posts" / "inner").mkdir(parents=True)
    (tmp_path / "again").symlink_to(tmp_path / "posts")
    for other in ("again", "again/inner"):
        (found,) = wrong(file, f"watch:\n  - path: {tmp_path}/posts\n  - path: {tmp_path}/{other}\n")
        assert found.code == "ROOTS_OVERLAP"


def test_roots_that_only_begin_alike_do_not_overlap(file: Path) -> None:
    assert len(read(file, WATCH + "  - path: /srv/posts2\n  - path: /srv/post\n").roots) == 3


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/api/v1", "http://localhost/x", "http://[::1]:9/", "https://postpost.dev"]
)
def test_http_is_fine_to_this_machine_and_https_anywhere(file: Path, url: str) -> None:
    assert read(file, WATCH + f"api: {{base_url: '{url}'}}\n").api.base_url == url.rstrip("/")


def test_the_accounts_of_every_key_have_a_text_for_the_schema() -> None:
    assert all(key.about for key in KEYS.values())


@pytest.mark.parametrize("name", ["twitter", "X", "x", "Twitter"])
def test_limits_name_platforms_as_sidecars_do(file: Path, name: str) -> None:
    config = read(file, f"{WATCH}limits: {{{name}: {{text: 25000}}}}\n")
    assert config.roots[0].policy.limits == {"twitter": {"text": 25000}}


def test_a_platform_that_stands_twice_in_limits_under_two_names_is_refused(file: Path) -> None:
    (finding,) = wrong(file, f"{WATCH}limits: {{twitter: {{text: 1}}, X: {{text: 2}}}}\n")
    assert (finding.code, '"X" is twitter' in finding.message) == ("DUPLICATE_KEY", True)


@pytest.mark.parametrize(
    ("cell", "said", "hint"),
    [
        ("image_bytes: 5 MB", '"5 MB" is not a number', "in bytes"),
        ("text: -1", '"-1" is not a number from 0 on', "it is in characters"),
        ("text: ", "has no value", "give it one"),
        ("duration_max: [1]", "is a list", "write text"),
        ("formats: [HEIC]", '"HEIC" is no format', "allowed: AVI"),
        ("formats: {a: b}", "is a map; a list of formats belongs here", "[one, two]"),
    ],
)
def test_a_figure_that_is_none_is_said_with_its_cell_and_the_way_out(
    file: Path, cell: str, said: str, hint: str
) -> None:
    (finding,) = wrong(file, f"{WATCH}limits: {{twitter: {{{cell}}}}}\n")
    assert f"limits: twitter: {cell.partition(':')[0]}: {said}" in finding.message
    assert hint in finding.hint


# --- who is notified --------------------------------------------------------------------------------------------------


def test_who_is_notified_and_of_what(file: Path, own_home: Path) -> None:
    nobody = read(file, WATCH + "notify:\n").notify
    assert nobody == Notify()
    assert Event.PUBLISHED not in nobody.on
    some = read(
        file, WATCH + "notify: {urls: ntfy://a, urls_file: ~/urls, on: [published, failed], digest: 30s}\n"
    ).notify
    assert some == Notify(("ntfy://a",), own_home / "urls", frozenset({Event.PUBLISHED, Event.FAILED}), 30.0)


@pytest.mark.parametrize(
    ("text", "number"), [("sk_token", 1), ("[ntfy://a, sk_token]", 2), ("[{a: sk_token}]", 1), ("[ntfy://a, '']", 2)]
)
def test_a_notification_url_that_is_none_is_counted_and_never_shown(file: Path, text: str, number: int) -> None:
    (found,) = wrong(file, WATCH + f"notify: {{urls: {text}}}\n")
    assert found.code == "BAD_NOTIFY_URL"
    assert f"line 3: notify.urls: number {number} is not" in found.message
    assert "sk_token" not in str(found)


def test_a_url_where_a_key_belongs_is_not_shown(file: Path) -> None:
    (found,) = wrong(file, WATCH + "notify: {'ntfy://sk_token': x}\n")
    assert (found.code, "sk_token" in str(found)) == ("UNKNOWN_KEY", False)


# --- a share that is dead ---------------------------------------------------------------------------------------------


@pytest.fixture
def dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mount point that never answers, as a network share whose server is gone."""
    place, ended, really = tmp_path / "nas", threading.Event(), os.readlink

    def readlink(path: Path) -> str:
        if path == place or place in path.parents:
            assert ended.wait(60), "it was waited for"
        return really(path)

    monkeypatch.setattr(os, "readlink", readlink)
    monkeypatch.setattr(links, "ANSWER_WITHIN", 0.3)
    yield place
    ended.set()


def test_a_root_that_never_answers_does_not_hold_up_the_config(file: Path, tmp_path: Path, dead: Path) -> None:
    config = read(file, f"watch:\n  - path: {dead}/posts\n  - path: {tmp_path}/posts\n")
    assert len(config.roots) == 2


def test_a_link_to_a_root_that_never_answers_is_that_root_again(file: Path, tmp_path: Path, dead: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "again").symlink_to("../nas/./x/../posts")
    (tmp_path / "link").symlink_to(tmp_path / "inner" / "again")
    (found,) = wrong(file, f"watch:\n  - path: {dead}/posts\n  - path: {tmp_path}/link/deeper\n")
    assert found.code == "ROOTS_OVERLAP"
