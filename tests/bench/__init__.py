"""What it costs, measured: each module is a command of its own."""

import os

# An installation has its modules compiled; where a machine is set to keep none, each process would compile them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
