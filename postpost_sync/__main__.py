"""`python -m postpost_sync`, and the one boundary where errors become words and an exit status."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import click

from postpost_sync.log import last_words
from postpost_sync.model.errors import PostError, ProgramError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 some post needs a person, 2 usage, config or start-up error."""
    from postpost_sync.cli import cli

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal that cannot show a tick mark is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    os.umask(0o077)  # the database and its companions are ours alone; status files get the sidecar's mode
    try:
        status = cli.main(
            list(arguments) if arguments is not None else None, prog_name="postpost-sync", standalone_mode=False
        )
    except click.exceptions.Abort:
        return _ended("interrupted")
    except click.exceptions.NoArgsIsHelpError as error:  # its message is the whole help
        click.echo(error.format_message())
        return _ended("no command was named (hint: choose one of those above)")
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(error.ctx.get_usage(), err=True)
            return _ended(f"{_in_our_voice(error)} (hint: {error.ctx.command_path} --help)")
        return _ended(_in_our_voice(error))
    except ProgramError as error:
        return _ended(str(error), error.status)
    except PostError as error:
        return _ended(str(ProgramError(error.finding.message, error.finding.hint)))
    except BrokenPipeError:  # `postpost-sync status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in its buffer has nowhere to go
        return 0
    except KeyboardInterrupt:
        return _ended("interrupted")
    return status if isinstance(status, int) else 0


def _in_our_voice(error: click.ClickException) -> str:
    """On one line, lower case, without a full stop."""
    words = " ".join(error.format_message().split()).removesuffix(".")
    return words[:1].lower() + words[1:]


def _ended(message: str, status: int = 2) -> int:
    last_words(message)
    return status


if __name__ == "__main__":
    sys.exit(main())
