"""Odoo as a library: an environment on a database, without a server around it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

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


@contextmanager
def command_line(database: str) -> Iterator[Environment]:
    """As :func:`environment`, for a command: what the user can mend ends it with one sentence."""
    import psycopg2

    configure(database)
    from odoo.exceptions import UserError
    from odoo.sql_db import db_connect

    try:
        db_connect(database).cursor().close()
    except psycopg2.OperationalError as error:
        die(f"database {database} can't be opened: {str(error).strip()}")
    try:
        with environment(database) as env:
            yield env
    except (UserError, ValueError) as error:
        die(str(error))


def die(message: str) -> NoReturn:
    """End the process with one sentence on standard error."""
    sys.exit(f"benchmarks: {message}")
