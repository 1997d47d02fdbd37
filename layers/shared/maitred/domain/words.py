"""Names, notes, phones and addresses as people write them, in any script.

Every letter is kept. Marks that only steer how a text is shown come along when it is copied, and are dropped.
"""

import re
import unicodedata

#: Marks of direction, byte order mark, soft hyphen. Joiners stay: words of many scripts are spelt with them.
DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_DROPPED = re.compile(f"[{DIRECTIONS}\ufeff\u00ad]")
_CONTROL = re.compile(r"[\x01-\x1f\x7f-\x9f]")
_CONTROL_IN_LINES = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")  # of ASCII; other letters are allowed beside it
_MOST_LOCAL, _MOST_DOMAIN, _MOST_LABEL = 64, 253, 63  # octets
_ENCODED_WORD = "=?"  # a mail header would name another address than this one
_DOT = re.compile("[.\u3002\uff0e\uff61]")  # Chinese and Japanese keyboards write others


def clean(text: str) -> str:
    """Without marks that are not written, and without white space at its ends."""
    return _DROPPED.sub("", text).strip()


def has_controls(text: str, *, lines: bool = False) -> bool:
    """Are there control characters but NUL? ``lines``: line breaks and tabs do not count."""
    return (_CONTROL_IN_LINES if lines else _CONTROL).search(text) is not None


def is_address(text: str) -> bool:
    """Is it one bare e-mail address, and nothing that a mail header reads as more?

    Letters of any script may stand in it (RFC 6531).
    """
    local, at, domain = text.rpartition("@")
    if not at or _ENCODED_WORD in text or len(local.encode()) > _MOST_LOCAL:
        return False
    return all(map(_is_atom, local.split("."))) and _ascii_domain(domain) is not None


def ascii_address(address: str) -> str | None:
    """The address with its domain as the mail system writes it (``xn--``).

    None if its local part is not ASCII: only a system with SMTPUTF8 can deliver to it.
    """
    local, _, domain = address.rpartition("@")
    written = _ascii_domain(domain)
    return f"{local}@{written}" if local.isascii() and written is not None else None


def _is_atom(text: str) -> bool:
    """``dot-atom``, where a character beyond ASCII may be any but a separator or a control."""
    plain = "".join(
        character if character.isascii() else "x"
        for character in text
        if character.isascii() or unicodedata.category(character)[0] not in "CZ"
    )
    return len(plain) == len(text) and _ATOM.fullmatch(plain) is not None


def _ascii_domain(domain: str) -> str | None:
    """As IDNA writes the domain (UTS 46, without the mappings of its transition); None if it is none."""
    labels = [_ascii_label(label) for label in _DOT.split(domain)]
    found = [label for label in labels if label is not None]
    written = ".".join(found)
    return written if len(found) == len(labels) and len(written) <= _MOST_DOMAIN else None


def _ascii_label(label: str) -> str | None:
    if not label.isascii():
        label = unicodedata.normalize("NFKC", label.lower())
        if not all(map(_in_a_label, label)) or unicodedata.category(label[0])[0] == "M":
            return None
        label = f"xn--{label.encode('punycode').decode()}" if not label.isascii() else label
    fits = 1 <= len(label) <= _MOST_LABEL
    return label if fits and re.fullmatch(r"[A-Za-z0-9-]+", label) else None


def _in_a_label(character: str) -> bool:
    return character == "-" or unicodedata.category(character)[0] in "LMN"
