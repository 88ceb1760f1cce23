"""Logs: one line an event on stderr, as text on a terminal, else as JSON; the libraries' lines in the same form.

interface.md, "Logs": `event`, `level`, `time`, `pass_id`. Nothing here or elsewhere logs a name or an address.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

CHATTY = ("slack_bolt", "slack_sdk", "apscheduler", "httpx", "httpcore", "aiohttp", "asyncio")


def configure(log_format: str | None, level: str) -> None:
    """Set up structlog and logging. `log_format` None: text on a terminal, else JSON."""
    as_text = log_format == "text" if log_format else sys.stderr.isatty()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _with_pass_id,
    ]
    last = _text() if as_text else _json()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    traceback = [] if as_text else [structlog.processors.format_exc_info]
    logging.captureWarnings(capture=True)
    handler = logging.StreamHandler(sys.stderr)
    clean = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[clean, *traceback, last])
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.ERROR, logging.getLevelName(level)))


def _text() -> Any:
    """Tracebacks without the values of variables: those hold names and addresses."""
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="time", exception_formatter=plain)


def _json() -> Any:
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _with_pass_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.setdefault("pass_id", None)
    return event
