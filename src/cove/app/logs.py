"""The server's log: one JSON object a line in the data directory, and its warnings on stderr for whoever looks.

Tracebacks stand in the file only, and never with the values of variables: among those may be keys and what people do.
"""

import logging
import logging.handlers
import os
import sys
from pathlib import Path

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_FILE_BYTES = 10 * 1024 * 1024
_FILES = 3
_QUIET = ("httpx", "sqlalchemy.engine", "alembic", "uvicorn.access", "uvicorn.error")
_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def start_log(path: Path, *, is_on_screen: bool = True) -> None:
    """Send every logger of this process to the file, and warnings to stderr unless nobody looks there."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW, 0o600))
    file = logging.handlers.RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8")
    file.setFormatter(_formatter(structlog.processors.format_exc_info, structlog.processors.JSONRenderer()))
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(_formatter(_without_traceback, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())))
    logging.basicConfig(level=logging.INFO, handlers=[file, screen] if is_on_screen else [file], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _formatter(*renderers: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(_SHARED),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )


def _without_traceback(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("exc_info", None)
    return event


def _is_news(record: logging.LogRecord) -> bool:
    """What uvicorn says of a failed start, `serve` raises with its reason."""
    return "startup failed" not in record.getMessage()
