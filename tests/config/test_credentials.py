"""Whose key a root posts with and who is notified: where a secret is found, and that it is never shown."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.config import credentials
from postpost_sync.config.load import api_key, notify_urls
from postpost_sync.disk import mounts
from postpost_sync.model.errors import ProgramError
from tests.support.configs import WATCH, read


def key_file(folder: Path, name: str, key: str, mode: int = 0o600) -> Path:
    file = folder / name
    file.write_text(key)
    file.chmod(mode)
    return file


def test_the_key_comes_from_the_first_place_that_has_one(file: Path, tmp_path: Path) -> None:
    key_file(tmp_path, "postpost-api-key", "sk_credential\n", 0o440)  # systemd's own mode
    named = key_file(tmp_path, "named", "sk_file\n")
    handed, variable = {"CREDENTIALS_DIRECTORY": str(tmp_path)}, {"POSTPOST_API_KEY": "sk_variable"}
    both = read(file, WATCH + f"api: {{key_file: {named}, key: sk_config}}\n").roots[0]
    config_only = read(file, WATCH + "api: {key: sk_config}\n").roots[0]
    assert api_key(both, handed | variable) == "sk_credential"
    assert api_key(both, variable) == "sk_variable"
    assert api_key(both, {"CREDENTIALS_DIRECTORY": str(tmp_path / "other")} | variable) == "sk_variable"
    assert api_key(both, {}) == "sk_file"
    assert api_key(config_only, {}) == "sk_config"
    assert api_key(config_only, {"POSTPOST_API_KEY": ""}) == "sk_config"


@pytest.mark.parametrize("name", [credentials.API_KEY, credentials.NOTIFY_URLS])
@pytest.mark.parametrize("why", [errno.EACCES, errno.EIO, errno.ELOOP, errno.ENAMETOOLONG])
def test_a_credential_that_is_there_and_cannot_be_read_is_an_error_of_the_start(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int, name: str
) -> None:
    """As root may read anything, the folder's system says no in its stead."""
    config = read(file, WATCH + "api: {key: sk_config}\n")
    unreadable = str(tmp_path / "credentials" / name)

    def refused(call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(path: Any, *more: Any, **named: Any) -> Any:
            if str(path) == unreadable:
                raise OSError(why, os.strerror(why), unreadable)
            return call(path, *more, **named)

        return instead

    monkeypatch.setattr(Path, "stat", refused(Path.stat))
    monkeypatch.setattr(Path, "read_bytes", refused(Path.read_bytes))
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    with pytest.raises(ProgramError) as caught:
        api_key(config.roots[0], environ) if name == credentials.API_KEY else notify_urls(config, environ)
    assert caught.value.status == 2
    assert unreadable in caught.value.message
    assert os.strerror(why) in caught.value.message
    assert "LoadCredential=" in caught.value.hint


@pytest.mark.parametrize("own", ["key: sk_own", "key_file: {tmp}/own"])
def test_a_roots_own_key_wins_over_all_else(file: Path, tmp_path: Path, own: str) -> None:
    key_file(tmp_path, "postpost-api-key", "sk_credential")
    key_file(tmp_path, "own", "sk_own")
    global_file = key_file(tmp_path, "global", "sk_global")
    own = own.format(tmp=tmp_path)
    root = read(file, f"api: {{key_file: {global_file}, key: sk_x}}\n{WATCH}    api: {{{own}}}\n").roots[0]
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "POSTPOST_API_KEY": "sk_variable"}
    assert api_key(root, environ) == "sk_own"


def test_a_root_that_only_names_a_user_uses_the_common_key(file: Path) -> None:
    root = read(file, f"api: {{key: sk_common, user_id: a}}\n{WATCH}    api: {{user_id: b}}\n").roots[0]
    assert root.api.user_id == "b"
    assert api_key(root, {"POSTPOST_API_KEY": "sk_variable"}) == "sk_variable"
    assert api_key(root, {}) == "sk_common"


def test_no_key_is_said_with_the_way_out(file: Path) -> None:
    with pytest.raises(ProgramError, match="no API key for /srv/posts") as caught:
        api_key(read(file, WATCH).roots[0], {})
    assert "POSTPOST_API_KEY" in caught.value.hint


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_is_refused(file: Path, tmp_path: Path, mode: int) -> None:
    named = key_file(tmp_path, "named", "sk_file", mode)
    with pytest.raises(ProgramError, match="can be read by others") as caught:
        api_key(read(file, WATCH + f"api: {{key_file: {named}}}\n").roots[0], {})
    assert f"chmod 600 {named}" in caught.value.hint


@pytest.mark.parametrize("kind", ["vfat", "cifs", "ntfs3", "fuseblk"])
def test_where_no_rights_are_kept_an_open_key_file_is_read_with_a_warning(
    file: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "filesystem", lambda path: kind)  # a disk of that kind would need root
    named = key_file(tmp_path, "named", "sk_file", 0o755)
    text = WATCH + f"api: {{key_file: {named}}}\n"
    loaded = read(file, text)
    assert api_key(loaded.roots[0], {}) == "sk_file"
    (warning,) = loaded.warnings
    assert (warning.code, str(named) in warning.message) == ("KEY_FILE_RIGHTS_UNKNOWN", True)
    named.chmod(0o700)  # it is shown as private: nothing to say
    assert read(file, text).warnings == ()


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_of_ones_own_is_read(file: Path, tmp_path: Path, mode: int) -> None:
    named = key_file(tmp_path, "named", "  sk_file \r\n", mode)
    assert api_key(read(file, WATCH + f"api: {{key_file: {named}}}\n").roots[0], {}) == "sk_file"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"sk_a\nsk_b\n", b"sk a", "sk_\u00e9".encode(), b"\xff\xfe", b"sk_\x00"]
)
def test_a_key_file_without_one_key_is_refused_without_showing_it(file: Path, tmp_path: Path, content: bytes) -> None:
    named = tmp_path / "named"
    named.write_bytes(content)
    named.chmod(0o600)
    with pytest.raises(ProgramError) as caught:
        api_key(read(file, WATCH + f"api: {{key_file: {named}}}\n").roots[0], {})
    assert str(named) in str(caught.value)
    assert "sk" not in str(caught.value).replace(str(named), "")


def test_a_key_file_that_is_not_there(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="No such file"):
        api_key(read(file, WATCH + f"api: {{key_file: {tmp_path}/none}}\n").roots[0], {})


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o644, True), (0o640, True)])
@pytest.mark.parametrize("text", ["api: {key: sk_x}\n" + WATCH, WATCH + "    api: {key: sk_x}\n"])
def test_a_key_in_the_config_is_warned_about_unless_it_is_private(
    file: Path, text: str, mode: int, warned: bool
) -> None:
    config = read(file, text, mode=mode)
    assert [w.code for w in config.warnings] == (["KEY_IN_CONFIG"] if warned else [])
    assert "sk_x" not in repr(config)


def test_a_config_without_a_key_may_be_read_by_all(file: Path) -> None:
    assert read(file, WATCH, mode=0o644).warnings == ()


@pytest.mark.parametrize(("mode", "codes"), [(0o600, []), (0o644, ["KEY_IN_CONFIG", "NOTIFY_URLS_IN_CONFIG"])])
def test_notification_urls_in_the_config_are_warned_about_as_a_key_is(file: Path, mode: int, codes: list[str]) -> None:
    config = read(file, WATCH + "api: {key: sk_x}\nnotify: {urls: [ntfy://sk_token]}\n", mode=mode)
    assert [warning.code for warning in config.warnings] == codes
    assert "sk_token" not in repr(config) + str(config.warnings)


def test_notification_urls_are_taken_from_all_places_each_once(file: Path, tmp_path: Path) -> None:
    key_file(tmp_path, "postpost-notify-urls", "ntfy://c\nntfy://a\n", 0o440)  # systemd's own mode
    named = key_file(tmp_path, "urls", "# ours\n\nntfy://b\r\n ntfy://a\n")
    config = read(file, WATCH + f"notify: {{urls: [ntfy://a, ntfy://d], urls_file: {named}}}\n")
    assert notify_urls(config, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == [
        ("number 1 of notify.urls", "ntfy://a"),
        ("number 2 of notify.urls", "ntfy://d"),
        (f"line 3 of {named}", "ntfy://b"),
        (f"line 1 of {tmp_path}/postpost-notify-urls", "ntfy://c"),
    ]
    named.chmod(0o640)
    with pytest.raises(ProgramError, match=r"notification URL file .* can be read by others"):
        notify_urls(config, {})
