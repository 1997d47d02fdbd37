"""Where a webhook may be sent: to public addresses over https, whatever a name resolves to.

Names are looked up at each send, and the address that was looked at is the one that is connected to, so a
name that changes in between (DNS rebinding) gains nothing.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\]", re.ASCII)
#: Names that are never public (RFC 6761, RFC 6762, RFC 8375, and what clouds use inside).
_PRIVATE_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "localdomain",
    "test",
    "invalid",
)
#: Public by their first bits only: each leads to an IPv4 address inside it, or to nowhere.
_TUNNELS = ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "::/96", "::ffff:0:0:0/96")


def split(url: str, *, plain: bool = False) -> SplitResult | None:
    """The parts of an address that may be used; None if it cannot be. ``plain``: http will do."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    allowed = ("https", "http") if plain else ("https",)
    if parts.scheme.lower() not in allowed or not parts.hostname or port == 0:
        return None
    netloc = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    if "@" in parts.netloc or not _HOST.fullmatch(netloc.rstrip(":")):
        return None
    return parts if url.isascii() and url.isprintable() and " " not in url and "\\" not in url else None


def is_public_name(host: str) -> bool:
    """Could ``host`` be a public name or address? It is not known yet what a name resolves to."""
    name = host.rstrip(".").lower()
    literal = _literal(name)
    if literal is not None:
        return is_public(literal)
    labels = name.split(".")
    # The last label of a public name is no number: 127.1 and 0x7f000001 are ways to write an address.
    if len(labels) < 2 or re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):  # noqa: PLR2004 - a domain and its top level
        return False
    return not any(name == private or name.endswith("." + private) for private in _PRIVATE_NAMES)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Is ``address`` one that the whole internet shares?"""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in ip_network(tunnel) for tunnel in _TUNNELS) or address.scope_id is not None:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _literal(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        return None
