"""What hosts and URLs in the settings mean."""

import ipaddress
from urllib.parse import urlsplit


def is_web_url(url: str) -> bool:
    """Whether it begins with http:// or https:// and a host."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def host_of_internal(url: str) -> str | None:
    """The host of http://HOST:PORT; None of anything else."""
    parts = urlsplit(url)
    try:
        whole = parts.scheme == "http" and parts.port is not None
    except ValueError:
        return None
    return parts.hostname if whole and url == f"http://{parts.netloc}" else None


def is_origin(origin: str) -> bool:
    """Whether it is what browsers send as `Origin` (RFC 6454, 6.2)."""
    parts = urlsplit(origin)
    return is_web_url(origin) and origin == f"{parts.scheme}://{parts.netloc}"


def is_safe_url(url: str) -> bool:
    """Whether nobody on the way can read along or change anything."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    )


def is_inside(host: str) -> bool:
    """Whether an address is one of a private network, and not every address at once."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_private and not address.is_unspecified


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can be meant."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
