"""The PostPost API and its object store, simulated: for the demo, for trying things out, and for the tests.

It imports nothing from the rest of the package, so that a mistake there cannot hide behind the same mistake here.

    service     Sandbox: the whole as a plain object; inspection, and a person in the dashboard
    behaviour   the switches, plans and connections
    twin        the switches as the twin product has them
    faults      what goes wrong, on order
    server      the sandbox over HTTP
    transport   the sandbox under httpx, in the same process
    exchange    which call a request is, and whose
    api         create, presign, update, delete
    reading     get, list, connections, logs
    plans       the limits of a plan
    idempotency answers kept by key
    publisher   what happens as time passes
    store       presigned URLs and objects in files
    state       groups, media and posts
    wire        requests, responses, times
"""

from typing import TYPE_CHECKING

from .behaviour import CONNECTIONS, PREMIUM, PRO, STARTER, Behaviour, Connection, Plan
from .faults import Fault, FaultKind, Faults
from .server import Server, serve
from .service import Sandbox
from .state import Call, Group, Media, PostResult
from .twin import TWIN
from .wire import Hang, Request, Reset, Response

if TYPE_CHECKING:
    from .transport import SandboxTransport

__all__ = [
    "CONNECTIONS",
    "PREMIUM",
    "PRO",
    "STARTER",
    "TWIN",
    "Behaviour",
    "Call",
    "Connection",
    "Fault",
    "FaultKind",
    "Faults",
    "Group",
    "Hang",
    "Media",
    "Plan",
    "PostResult",
    "Request",
    "Reset",
    "Response",
    "Sandbox",
    "SandboxTransport",
    "Server",
    "serve",
]


def __getattr__(name: str) -> object:
    if name == "SandboxTransport":  # httpx takes a fifth of a second to import, and the server has no need of it
        from .transport import SandboxTransport

        return SandboxTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
