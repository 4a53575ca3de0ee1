"""What systemd says of our service, the system's and the user's, where it knows of one."""

from __future__ import annotations

import subprocess

from postpost_sync.commands.doctor.findings import Finding, Findings, Level
from postpost_sync.model.errors import printable

_ASK_WITHIN = 10.0  # seconds
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "Result", "StatusText", "UnitFileState")


def check() -> Findings:
    for scope, sudo, option in (("system", "sudo ", ""), ("user", "", " --user")):
        said = _ask(scope)
        if said is None or said["LoadState"] != "loaded":
            continue
        what, state, why = f"{scope} service", said["ActiveState"], said["Result"]
        text = printable(said["StatusText"])
        journal = f"{sudo}journalctl{option} -u postpost-sync -e"
        if state == "failed":
            yield Finding(Level.ERROR, what, f"it has failed ({why}){': ' * bool(text)}{text}", journal)
        elif said["SubState"] == "auto-restart":
            yield Finding(Level.ERROR, what, f"it ends again and again ({why}) and is started anew", journal)
        elif state == "inactive":
            hint = f"{sudo}systemctl{option} enable --now postpost-sync"
            if said["UnitFileState"].startswith("enabled"):
                yield Finding(Level.ERROR, what, "it is enabled, and does not run", hint)
            else:
                yield Finding(Level.WARNING, what, "it is installed, and neither enabled nor running", hint)
        else:
            yield Finding(Level.OK, what, f"it is {state}{': ' * bool(text)}{text}")


def _ask(scope: str) -> dict[str, str] | None:
    """What systemd says of the unit; None where there is no systemd, or none that answers us."""
    command = ["systemctl", f"--{scope}", "show", "postpost-sync.service", f"--property={','.join(_PROPERTIES)}"]
    try:
        told = subprocess.run(  # noqa: S603  # nothing of it is from outside
            command, capture_output=True, text=True, timeout=_ASK_WITHIN, check=True, errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    said = dict(line.partition("=")[::2] for line in told.stdout.splitlines())
    return {name: said.get(name, "") for name in _PROPERTIES}
