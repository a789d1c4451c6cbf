"""Log format of the training job: one line per event, with its fields as JSON."""

import json
import logging

_OWN = ("retrain", "housing")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class EventFormatter(logging.Formatter):
    """Formats time, level, event and fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, followed by its traceback if there is one."""
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line = f"{self.formatTime(record)} {record.levelname} {record.getMessage()}"
        if fields:
            line += f" {json.dumps(fields, default=str, ensure_ascii=False)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def write_log_lines() -> None:
    """Log first-party events to standard error, and warnings of other packages."""
    handler = logging.StreamHandler()
    handler.setFormatter(EventFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in _OWN:
        logging.getLogger(name).setLevel(logging.INFO)
