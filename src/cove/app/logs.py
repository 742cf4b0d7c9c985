"""The server's log: one JSON object a line in the data directory, the same for people on stderr."""

import logging
import logging.handlers
import os
import sys
from pathlib import Path

import structlog

_FILE_BYTES = 10 * 1024 * 1024
_FILES = 3
_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.ExtraAdder(),
)


def start_log(path: Path, *, is_verbose: bool = False) -> None:
    """Send every logger of this process to the file, and warnings (everything, if verbose) to stderr."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW, 0o600))
    file = logging.handlers.RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8")
    file.setFormatter(_formatter(structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()))
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.INFO if is_verbose else logging.WARNING)
    screen.setFormatter(_formatter(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())))
    logging.basicConfig(level=logging.INFO, handlers=[file, screen], force=True)
    for name in ("httpx", "sqlalchemy.engine", "alembic", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED[:-1], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _formatter(*renderers: structlog.typing.Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(_SHARED),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )
