"""`doctor`: checks everything the daemon depends on, one finding each, with the command that mends it.

The checks are independent: one that fails, even by a defect of its own, never stops the others. Nothing is changed: the
test file in each root is a dot-named temporary that the daemon ignores, and is removed again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial

import click

from postpost_sync.commands.doctor import account, inotify, installation, machine, notify, roots, service
from postpost_sync.commands.doctor.findings import Finding, Findings, Level
from postpost_sync.config import load as configs
from postpost_sync.config.load import Config, ConfigError
from postpost_sync.model.errors import PostError, ProgramError, path_name, printable
from postpost_sync.terminal.words import count

ANSWER_WITHIN = 60.0  # seconds one check may take


def doctor(option: str | None, *, as_json: bool) -> int:
    findings = list(_examine(option, os.environ))
    if as_json:
        shown = {"version": 1, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        _print(findings)
    return 1 if any(finding.level is Level.ERROR for finding in findings) else 0


def _examine(option: str | None, environ: Mapping[str, str]) -> Findings:
    loaded: list[Config] = []
    yield from _tried("config", lambda: _config(option, environ, loaded))
    zones = {root.policy.timezone for config in loaded for root in config.roots}
    for config in loaded:
        yield from _tried("PostPost", partial(account.check, config, environ))
        yield from _tried("secrets", partial(installation.secrets, config))
        yield from _tried("notify", partial(notify.check, config, environ))
        yield from _tried("database", partial(installation.database, config.state_db))
        yield from _tried("daemon", partial(installation.daemon, config))
        yield from _tried("service", service.check)
        for root in config.roots:
            yield from _tried(roots.name(root), partial(roots.check, root))
        yield from _tried("inotify", partial(inotify.check, config))
        yield from _tried("disk", partial(machine.disk, config))
    yield from _tried("time zones", partial(machine.time_zones, zones))
    yield from _tried("media", machine.libraries)


def _tried(what: str, check: Callable[[], Findings]) -> list[Finding]:
    """What a check found, with what went wrong in it. In a thread of its own, since a share that hangs answers never."""
    found: list[Finding] = []

    def run() -> None:
        try:
            for finding in check():
                found.append(finding)  # noqa: PERF402  # what it had found before it failed counts
        except ProgramError as error:
            found.append(Finding(Level.ERROR, what, error.message, error.hint))
        except PostError as error:
            found.append(Finding(Level.ERROR, what, error.finding.message, error.finding.hint))
        except Exception as error:  # whatever it is: the others are still to be made
            why = f"this could not be checked: {type(error).__name__}: {printable(str(error))}"
            found.append(Finding(Level.ERROR, what, why, "run it as the user that runs the daemon"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(ANSWER_WITHIN)
    if thread.is_alive():
        message = f"no answer within {ANSWER_WITHIN:.0f} s; a share that hangs looks like this"
        return [*found, Finding(Level.ERROR, what, message, "see which one: df; then umount -f it")]
    return found


def _config(option: str | None, environ: Mapping[str, str], loaded: list[Config]) -> Findings:
    try:
        config = configs.load(configs.find(option, environ), environ)
    except ConfigError as error:
        yield from (Finding(Level.ERROR, "config", f.message, f.hint) for f in error.findings)
        return
    loaded.append(config)
    yield Finding(Level.OK, "config", f"{path_name(config.file or '-')}, {count(len(config.roots), 'watch root')}")


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.text import Text

    from postpost_sync.terminal.words import hint, padded, say

    console = Console(highlight=False)
    styles = {Level.OK: "green", Level.WARNING: "bold magenta", Level.ERROR: "bold red"}
    for finding in findings:
        head = Text.assemble((padded(finding.level, 9), styles[finding.level]), (printable(finding.what), "bold"))
        say(console, head + Text(f": {printable(finding.message)}"), hang=9)
        if finding.hint:
            say(console, hint(finding.hint), 9, 2)
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    console.print()
    warnings, errors = count(counts[Level.WARNING], "warning"), count(counts[Level.ERROR], "error")
    say(console, Text(f"{counts[Level.OK]} ok, {warnings}, {errors}", "bold"))
