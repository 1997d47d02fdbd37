"""The mail that the stack "sent": files in a folder, which are listed and read, never run."""

import re
from collections.abc import Iterator
from email import policy
from email.headerregistry import UniqueDateHeader
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

MOST_LISTED = 200
_NAME = re.compile(r"[0-9a-f]{1,20}-[0-9a-f-]{36}")
_LISTED = ("Subject", "To", "From")


class Mailbox:
    """``folder`` holds one ``.eml`` file a letter; their names begin with the time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self) -> dict[str, Any]:
        """Return how many letters there are, and the headers of the newest."""
        paths = sorted(self._folder.glob("*.eml"), key=lambda path: path.name, reverse=True)
        return {"count": len(paths), "items": list(self._heads(paths[:MOST_LISTED]))}

    def read(self, name: str) -> dict[str, Any]:
        """Return one letter as text, with all its headers and the names of what is attached.

        Raises LookupError when there is no letter of that name.
        """
        letter = self._letter(name)
        plain = letter.get_body(("plain",))
        return {
            "headers": [[key, str(value)] for key, value in letter.items()],
            "text": str(plain.get_content()) if plain else "",
            "html": letter.get_body(("html",)) is not None,
            "attached": [
                part.get_filename() or part.get_content_type() for part in letter.iter_attachments()
            ],
        }

    def html(self, name: str) -> str:
        """Return a letter's HTML, as it was sent. Raises LookupError when it has no HTML."""
        part = self._letter(name).get_body(("html",))
        if part is None:
            raise LookupError(f"{name} has no HTML")
        return str(part.get_content())

    def _heads(self, paths: list[Path]) -> Iterator[dict[str, Any]]:
        for path in paths:
            head = _parse(path, headers_only=True)
            head_fields = {key.lower(): str(head.get(key, "")) for key in _LISTED}
            yield {"id": path.stem, "at": _sent_at(head, path), **head_fields}

    def _letter(self, name: str) -> EmailMessage:
        if not _NAME.fullmatch(name):  # and so no path to somewhere else
            raise LookupError("no letter of that name")
        try:
            return _parse(self._folder / f"{name}.eml", headers_only=False)
        except FileNotFoundError:
            raise LookupError(f"no letter {name}") from None


def _parse(path: Path, *, headers_only: bool) -> EmailMessage:
    with path.open("rb") as file:
        return BytesParser(policy=policy.default).parse(file, headersonly=headers_only)


def _sent_at(head: EmailMessage, path: Path) -> float:
    date = head.get("Date")
    if isinstance(date, UniqueDateHeader) and date.datetime is not None:
        return date.datetime.timestamp()
    return path.stat().st_mtime
