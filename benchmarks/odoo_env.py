"""Odoo as a library: an environment on a database, without a server around it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odoo.api import Environment

_configured: str | None = None


def configure(database: str, log_level: str = "warn") -> None:
    """Read Odoo's configuration (``ODOO_RC`` and the usual PG variables) once per process."""
    global _configured
    if _configured is not None:
        return
    from odoo.tools import config

    arguments = ["-d", database, "--max-cron-threads=0", "--no-http", f"--log-level={log_level}"]
    if os.environ.get("ODOO_RC"):
        arguments += ["-c", os.environ["ODOO_RC"]]
    config.parse_config(arguments, setup_logging=True)
    logging.getLogger("odoo").setLevel(log_level.upper() if log_level != "warn" else "WARNING")
    _configured = database


@contextmanager
def environment(database: str, uid: int = 1, context: dict | None = None) -> Iterator[Environment]:
    """An environment in one transaction: committed at the end, rolled back on an exception."""
    configure(database)
    from odoo.api import Environment
    from odoo.modules.registry import Registry

    with Registry(database).cursor() as cr:
        yield Environment(cr, uid, context or {})


def die(message: str) -> None:
    """End the process with one sentence on standard error."""
    sys.exit(f"benchmarks: {message}")
