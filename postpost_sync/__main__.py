"""`python -m postpost_sync`, and the one boundary where errors become words and an exit status."""

from __future__ import annotations

import atexit
import codecs
import contextlib
import errno
import gc
import io
import locale
import os
import sys
from collections.abc import Sequence

import click

from postpost_sync.log import last_words
from postpost_sync.model.errors import NoThreads, PostError, ProgramError, with_hint

_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)
_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)  # a full disk, mostly


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 some post needs a person, 2 usage, config or start-up error."""
    if arguments is None:
        _speak_utf8()
        # all that is left goes with the process: to look for garbage in it is a seventh of a short command
        atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal that cannot show a tick mark is no reason to fail
            shown_as = locale.getencoding() if stream.isatty() else None
            stream.reconfigure(encoding=shown_as, errors="backslashreplace")
    os.umask(0o077)  # the database and its companions are ours alone; status files get the sidecar's mode
    try:
        status = _command(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # `postpost-sync status | head`
        _drop_output()
        return 0
    except MemoryError:
        return _ended(
            "there is no memory left (hint: raise what limits it: MemoryMax= of the unit, ulimit -v, a container's)"
        )
    except OSError as error:
        if error.errno in _NO_MORE_FILES:
            hint = "raise what limits them to 256 or more: LimitNOFILE= of the unit, ulimit -n"
            return _ended(f"the program may not open any further file: {error.strerror} (hint: {hint})")
        if error.filename is not None or error.errno not in _NOT_WRITTEN:  # of a file: a mistake of ours
            raise
        _drop_output()
        return _ended(f"the output cannot be written: {error.strerror} (hint: write it to another place)")
    finally:
        _drop_output()  # Python would end with a status of its own where stderr is full


def _command(arguments: Sequence[str] | None) -> int:
    from postpost_sync.cli import cli

    try:
        status = cli.main(
            list(arguments) if arguments is not None else None, prog_name="postpost-sync", standalone_mode=False
        )
    except SystemExit:
        if "_POSTPOST_SYNC_COMPLETE" in os.environ:  # click has answered a shell
            raise
        raise BrokenPipeError from None  # click and rich end the program themselves where nobody reads on
    except click.exceptions.Abort:
        return _ended("interrupted")
    except click.exceptions.NoArgsIsHelpError as error:  # its message is the whole help
        click.echo(error.format_message())
        return _ended("no command was named (hint: choose one of those above)")
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(error.ctx.get_usage(), err=True)
            words, _, instead = _in_our_voice(error).partition(". Did you mean ")
            hint = f"did you mean {instead.rstrip('?')}? " if instead else ""
            return _ended(f"{words} (hint: {hint}{error.ctx.command_path} --help)")
        return _ended(_in_our_voice(error))
    except ProgramError as error:
        return _ended(str(error), error.status)
    except PostError as error:
        return _ended(with_hint(error.finding.message, error.finding.hint))
    except RuntimeError as error:
        if not NoThreads.is_meant_by(error):
            raise
        return _ended(str(NoThreads()))
    except KeyboardInterrupt:
        return _ended("interrupted")
    except FileNotFoundError:
        if _is_somewhere():
            raise
        return _ended("the folder that you are in is not there any more (hint: cd to one that is)")
    return status if isinstance(status, int) else 0


def _speak_utf8() -> None:
    """Start anew in Python's UTF-8 mode where the locale has another encoding.

    A folder would have one name for the service and another for whoever logs in: two posts in one database.
    """
    if sys.flags.utf8_mode or codecs.lookup(sys.getfilesystemencoding()).name == "utf-8":
        return
    if sys.executable and sys.orig_argv:
        with contextlib.suppress(OSError):
            os.execv(sys.executable, [sys.orig_argv[0], "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606  # ourselves


def _is_somewhere() -> bool:
    """Whether the folder that this was started in is still there: no path that was typed means anything without it."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _drop_output() -> None:
    """What is left in the buffers has nowhere to go, and is no error at the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # broken, closed, or none at all
            with contextlib.suppress(OSError, ValueError, AttributeError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


def _in_our_voice(error: click.ClickException) -> str:
    """On one line, lower case, without a full stop."""
    words = " ".join(error.format_message().split()).removesuffix(".")
    return words[:1].lower() + words[1:]


def _ended(message: str, status: int = 2) -> int:
    last_words(message)
    return status


if __name__ == "__main__":
    sys.exit(main())
