"""Files of results."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: str | os.PathLike[str], text: str) -> None:
    """Writes a file that is there as a whole or not at all: under another name first.

    What is no file, such as `/dev/stdout`, is written to as it is. An `OSError` names the file.
    """
    path = Path(file)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
