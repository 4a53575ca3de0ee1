"""`man`: the manual page in roff, made of the same help that `--help` prints."""

from __future__ import annotations

from collections.abc import Iterator

import click

from postpost_sync import __version__

_EXIT = (
    ("0", "Done."),
    ("1", "Some post needs a person, or `doctor`, `check` or `health` found something wrong."),
    ("2", "A usage, config or start-up error; the last line on stderr says what, and the way out."),
)
_ENVIRONMENT = (
    ("POSTPOST_SYNC_CONFIG", "The config file, where `-c` names none."),
    ("POSTPOST_API_KEY", "The API key; goes before key_file and key of the config."),
    ("CREDENTIALS_DIRECTORY", "Set by systemd: its postpost-api-key goes before all of these."),
    ("STATE_DIRECTORY", "Set by systemd: holds the database, where the config names none."),
)
_FILES = (
    ("~/.config/postpost-sync/config.yaml, /etc/postpost-sync/config.yaml", "The config; the first that is there."),
    ("~/.local/state/postpost-sync/state.db", "The database, where neither config nor systemd names another."),
    ("post.yaml", "In each folder that is a post: what goes out, where and when."),
    ("post.status.yaml", "Written beside it: what became of the post."),
    ("postpost-calendar.html, postpost-calendar.ics", "In a watch root with `calendar: true`: what goes out when."),
)


def man(program: click.Group) -> int:
    click.echo("\n".join(page(program)))
    return 0


def page(program: click.Group) -> Iterator[str]:
    """The lines of the page."""
    name = "postpost-sync"
    context = click.Context(program, info_name=name)
    first, *more = _paragraphs(program)
    yield f'.TH {name.upper()} 1 "" "{name} {__version__}" "User Commands"'
    yield from (".SH NAME", f"{_roff(name)} \\- {_roff(first[:1].lower() + first[1:].removesuffix('.'))}")
    yield ".SH SYNOPSIS"
    yield f"\\fB{_roff(name)}\\fR {_roff(' '.join(program.collect_usage_pieces(context)))}"
    yield ".SH DESCRIPTION"
    yield from _text([first, *more])
    yield ".SH OPTIONS"
    yield from _options(program, context)
    yield ".SH COMMANDS"
    yield from _commands(program, context, "")
    for title, entries in (("EXIT STATUS", _EXIT), ("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
        yield f".SH {title}"
        for term, words in entries:
            yield from (".TP", f"\\fB{_roff(term)}\\fR", _roff(words))


def _commands(group: click.Group, above: click.Context, before: str) -> Iterator[str]:
    for name in group.list_commands(above):
        command = group.commands[name]
        context = click.Context(command, info_name=name, parent=above)
        if isinstance(command, click.Group):
            yield from _commands(command, context, f"{before}{name} ")
            continue
        usage = " ".join(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")
        yield f".SS {_roff(before + name)} {_roff(usage)}".rstrip()
        yield from _text(_paragraphs(command))
        yield from _options(command, context)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None and not (context.parent and "--help" in parameter.opts):
            yield from (".TP", f"\\fB{_roff(record[0])}\\fR", _roff(record[1]))


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(part.split()) for part in (command.help or "").split("\n\n")]


def _text(paragraphs: list[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from (".PP", _roff(paragraph))


def _roff(text: str) -> str:
    """As it is read: nothing in it is a request, and a hyphen can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
