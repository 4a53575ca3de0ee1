"""The command line: what there is to type. Each command hands plain values to its module in `commands`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from click.core import ParameterSource

from postpost_sync import __version__
from postpost_sync.log import Format, Level
from postpost_sync.model.states import WRONG, State
from postpost_sync.model.times import parse_duration


class _Duration(click.ParamType[float]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Path(click.Path):
    """The commands say in their own words what cannot be read. A variable that is empty must not mean where one is."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if value == "":
            self.fail("the path is empty; name one (. is the folder that you are in)", param, ctx)
        return super().convert(value, param, ctx)


_PATHS = _Path(path_type=Path, readable=False)
_STATES = [state.value for state in State]
_Command = TypeVar("_Command", bound=Callable[..., object])


def _log_options(command: _Command) -> _Command:
    """Taken before and after the command's name: people type both."""
    form, level = (click.Choice([one.value for one in kind]) for kind in (Format, Level))
    for option in (
        click.option(
            "--log-level", type=level, default=Level.INFO.value, show_default=True, help="The least that is logged."
        ),
        click.option("--log-format", type=form, default=Format.TEXT.value, show_default=True, help="How it is logged."),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    type=_Path(readable=False),
    metavar="FILE",
    help="Config file; else $POSTPOST_SYNC_CONFIG, ~/.config, /etc.",
)
@_log_options
@click.version_option(__version__, prog_name="postpost-sync")
@click.pass_context
def cli(ctx: click.Context, config: str | None, log_format: str, log_level: str) -> None:
    """Carries folders of media to PostPost as scheduled posts, on time, exactly once.

    Try it without an account or a config: postpost-sync demo
    """
    ctx.obj = config
    ctx.default_map = {"run": {"log_format": log_format, "log_level": log_level}}


@cli.command(short_help="Show it all at work, against a simulated PostPost.")
@click.argument("directory", required=False, type=_PATHS, metavar="[DIR]")
@click.option("--web", is_flag=True, help="Serve the calendar meanwhile, until Ctrl-C.")
def demo(directory: Path | None, web: bool) -> int:
    """Show the whole thing at work on sample posts, against a simulated PostPost.

    With DIR it works in that folder and goes on until Ctrl-C, so that you can drop posts of your own. At the end it names
    the calendar that it wrote.
    """
    from postpost_sync.commands.demo import demo

    return demo(directory, web=web)


@cli.command(short_help="Watch the folders and serve them, in the foreground.")
@click.option("--once", is_flag=True, help="Take every post as far as it goes, then end.")
@click.option("--wait", type=_Duration(), default="10m", show_default=True, help="How long --once may take.")
@_log_options
@click.pass_context
def run(ctx: click.Context, once: bool, wait: float, log_format: str, log_level: str) -> int:
    """Watch the folders and serve them, in the foreground, until it is told to stop."""
    if not once and ctx.get_parameter_source("wait") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--wait goes with --once")
    config: str | None = ctx.obj
    from postpost_sync.commands.run import run, run_once

    form, level = Format(log_format), Level(log_level)
    return run_once(config, wait, form, level) if once else run(config, form, level)


@cli.command()
@click.argument("paths", nargs=-1, type=_PATHS, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--watch", is_flag=True, help="Redraw until q or Ctrl-C; arrows and Page Down scroll.")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these; may be repeated.")
@click.option("--failed", is_flag=True, help="Only what went wrong: invalid, failed, partially_published.")
@click.option("--next", "within", type=_Duration(), help="Only what is to go out within this, such as 7d.")
@click.pass_obj
def status(
    config: str | None,
    paths: tuple[Path, ...],
    as_json: bool,
    watch: bool,
    states: tuple[str, ...],
    failed: bool,
    within: float | None,
) -> int:
    """Show where every post stands, or those at PATH."""
    if as_json and watch:
        raise click.UsageError("--json and --watch do not go together")
    from postpost_sync.commands.status import Filter, status

    chosen = {State(state) for state in states} | (WRONG if failed else set())
    wanted = Filter(frozenset(chosen) if states or failed else None, within)
    return status(config, paths, wanted, as_json=as_json, watch=watch)


@cli.command(short_help="Say everything that is wrong with sidecars and media.")
@click.argument("paths", nargs=-1, type=_PATHS, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--offline", is_flag=True, help="Do not ask PostPost for the connected accounts.")
@click.pass_obj
def check(config: str | None, paths: tuple[Path, ...], as_json: bool, offline: bool) -> int:
    """Read sidecars and media and say everything that is wrong with them. Writes nothing."""
    from postpost_sync.commands.check import check

    return check(config, paths, as_json=as_json, offline=offline)


@cli.command(short_help="Try posts again now; confirm what is held for a person.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@click.option("--again", is_flag=True, help="Also what may be out in part already.")
@click.option("--yes", is_flag=True, help="Also where it is more than 10 posts.")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.pass_obj
def retry(config: str | None, paths: tuple[Path, ...], again: bool, yes: bool, dry_run: bool) -> int:
    """Try the posts at PATH again now, from where they stopped.

    Where PATH is a post folder itself, what is held for a person is confirmed, and what was cancelled is brought back.
    Below a PATH only what a fault stopped is tried again.
    """
    from postpost_sync.commands.retry import retry

    return retry(config, paths, again=again, yes=yes, dry_run=dry_run)


@cli.command(short_help="Delete the scheduled posts of folders from PostPost.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@click.option("--yes", is_flag=True, help="Also where it is more than 10 posts.")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.pass_obj
def cancel(config: str | None, paths: tuple[Path, ...], yes: bool, dry_run: bool) -> int:
    """Delete the scheduled posts of the folders at PATH from PostPost; an edit of a folder makes a new post."""
    from postpost_sync.commands.cancel import cancel

    return cancel(config, paths, yes=yes, dry_run=dry_run)


@cli.command(short_help="Show the slots of the next 14 days, free or whose.")
@click.argument("root", required=False, type=_PATHS, metavar="[ROOT]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--close-gaps", is_flag=True, help="Show which posts would move up into free slots.")
@click.option("--yes", is_flag=True, help="With --close-gaps: move them.")
@click.pass_obj
def queue(config: str | None, root: Path | None, as_json: bool, close_gaps: bool, yes: bool) -> int:
    """Show the slots of each root in the next 14 days, free or whose; those of ROOT alone where it is named."""
    if yes and not close_gaps:
        raise click.UsageError("--yes goes with --close-gaps")
    if yes and as_json:
        raise click.UsageError("--json and --yes do not go together")
    from postpost_sync.commands.queue import queue

    return queue(config, root, as_json=as_json, close_gaps=close_gaps, yes=yes)


@cli.command(short_help="Take over folders that another installation has served.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@click.pass_obj
def adopt(config: str | None, paths: tuple[Path, ...]) -> int:
    """Take over the folders at PATH, which another installation has been serving.

    Where a folder is held since PostPost may hold its post already (MAYBE_POSTED), that post is the folder's from then on.
    """
    from postpost_sync.commands.adopt import adopt

    return adopt(config, paths)


@cli.command(short_help="Write a config, a key file and a root; then doctor.")
@click.option("--root", type=_PATHS, metavar="DIR", help="The folder to watch; made where it is not there.")
@click.option("--timezone", metavar="ZONE", help="Of the times in it, such as Europe/Berlin; default: this machine's.")
@click.option("--key-file", type=_PATHS, metavar="FILE", help="Where the API key is, or is to be put.")
@click.option("--user/--system", "user", default=None, help="For yourself, or for the system service; root's default.")
@click.pass_obj
def init(config: str | None, root: Path | None, timezone: str | None, key_file: Path | None, user: bool | None) -> int:
    """Write a config, a key file and a watch root where there are none, and say what doctor finds.

    What is not given is asked. Nothing that exists is changed.
    """
    from postpost_sync.commands.init import init

    return init(config, root, timezone, key_file, None if user is None else not user)


@cli.command(short_help="Copy the database, checked, also while the daemon runs.")
@click.argument("file", type=_PATHS)
@click.pass_obj
def backup(config: str | None, file: Path) -> int:
    """Write a checked copy of the database to FILE, also while the daemon runs. FILE must not be there yet."""
    from postpost_sync.commands.backup import backup

    return backup(config, file)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def accounts(config: str | None, as_json: bool) -> int:
    """List the accounts the key can post to, and how their tokens are."""
    from postpost_sync.commands.accounts import accounts

    return accounts(config, as_json=as_json)


@cli.command(short_help="Send a test message to everybody who is notified.")
@click.pass_obj
def notify(config: str | None) -> int:
    """Send a test message to everybody who is notified, and say whether it got through."""
    from postpost_sync.commands.notify import notify

    return notify(config)


@cli.command(short_help="Run a simulated PostPost, for trying things out.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; any free one where not given."
)
@click.option("--view", is_flag=True, help="Show what it holds, and not a line a call.")
def sandbox(port: int, view: bool) -> int:
    """Run a simulated PostPost and its object store, for trying things out. Each call is a line."""
    from postpost_sync.commands.sandbox import sandbox

    return sandbox(port, view=view)


@cli.command(short_help="Write a commented post.yaml for the media in a folder.")
@click.argument("folder", type=_PATHS)
@click.option("--at", metavar="TIME", help='When it goes out: "2026-12-15 14:30", with an offset or Z, now, or next.')
@click.option("--to", metavar="NAME", multiple=True, help="A connection id, or a name of the config; may be repeated.")
@click.option("--create", is_flag=True, help="Make FOLDER where it is not there.")
@click.pass_obj
def new(config: str | None, folder: Path, at: str | None, to: tuple[str, ...], create: bool) -> int:
    """Write a commented post.yaml into FOLDER for the media that is there."""
    from postpost_sync.commands.new import new

    return new(config, folder, at, to, create=create)


@cli.command(short_help="Show what goes out when.")
@click.argument("path", required=False, type=_PATHS, metavar="[PATH]")
@click.option("--week", is_flag=True, help="This week, with all that is known of each post.")
@click.option(
    "--month", is_flag=True, help="Five weeks as a grid; this is what is shown where nothing else is asked for."
)
@click.option("--ics", type=_PATHS, metavar="FILE", help="Write it as iCalendar, for calendar programs; - is stdout.")
@click.option("--html", type=_PATHS, metavar="FILE", help="Write it as one HTML page; - is stdout.")
@click.pass_obj
def calendar(
    config: str | None, path: Path | None, week: bool, month: bool, ics: Path | None, html: Path | None
) -> int:
    """Show what goes out when, and what is stuck: of all watch roots, or at PATH."""
    if week and month:
        raise click.UsageError("--week and --month do not go together")
    from postpost_sync.commands.calendar import calendar

    return calendar(config, path, week=week, ics=ics, html=html)


@cli.command(short_help="Serve the calendar, live, as a web page.")
@click.option("--listen", default="127.0.0.1:8484", show_default=True, metavar="HOST:PORT", help="Where.")
@click.option("--token-file", type=_PATHS, metavar="FILE", help="Who wants to see it needs what stands in it.")
@click.pass_obj
def web(config: str | None, listen: str, token_file: Path | None) -> int:
    """Serve the calendar as a live web page, with /calendar.ics, /metrics and /healthz. Holds no key, changes nothing."""
    from postpost_sync.commands.web import web

    return web(config, listen, token_file)


@cli.command(short_help="Say whether the daemon does its work; exit 0 or 1.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def health(config: str | None, as_json: bool) -> int:
    """Exit 0 where the daemon runs and nothing is overdue; else 1, and why in a line."""
    from postpost_sync.commands.health import health

    return health(config, as_json=as_json)


@cli.command(short_help="Print the JSON Schema of post.yaml or of the config.")
@click.argument("which", type=click.Choice(["sidecar", "config"]))
def schema(which: str) -> int:
    """Print the JSON Schema of post.yaml or of the config, for editors."""
    from postpost_sync.commands.schema import show

    return show(which)


@cli.group("config")
def config_() -> None:
    """Help with the config file."""


@config_.command("example")
def example() -> int:
    """Print the commented example of a config: every key with its default."""
    from postpost_sync.commands.example import show

    return show()


@cli.command(short_help="Print the manual page.")
def man() -> int:
    """Print the manual page, made of this help."""
    from postpost_sync.commands.man import man

    return man(cli)


@cli.command(short_help="Check what the daemon depends on; say how to mend it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def doctor(config: str | None, as_json: bool) -> int:
    """Check everything the daemon depends on, and say how to mend what is wrong."""
    from postpost_sync.commands.doctor import doctor

    return doctor(config, as_json=as_json)
