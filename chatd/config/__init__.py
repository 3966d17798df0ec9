"""The one typed configuration: defaults, then chatd.toml, CHATD_*, the command line.

A later source wins, key by key; `limit` is merged by name. Unknown keys, values that
do not fit and settings that contradict each other are all fatal and all named at once.
"""

import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec

from chatd import failpoints
from chatd.config.addresses import (
    host_of_internal,
    is_inside,
    is_loopback,
    is_origin,
    is_safe_url,
    is_web_url,
)
from chatd.config.issuing import SECRET_BYTES_MIN, issuer_problems
from chatd.config.issuing import IssuerSettings as IssuerSettings
from chatd.config.wording import meant, worded
from chatd.limits import Limits, with_changes
from chatd.limits import describe as describe_limits

FILE_NAME = "chatd.toml"
PREFIX = "CHATD_"
REDIS_SCHEMES = ("redis", "rediss", "unix")
SECRETS = ("secret", "deployment_secret")

MASK = "********"

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting of `chatd serve`, under the name it has in chatd.toml."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8080
    data_dir: Path = Path("chatd-data")
    database_url: str | None = None
    redis_url: str | None = None
    attachments_url: str | None = None
    workers: Annotated[int, msgspec.Meta(ge=1)] = 1
    internal_url: str | None = None
    """Where other gateways reach this one; workers take this port and the next ones."""
    deployment_secret: str | None = None
    """What all gateways of a deployment share; by default it is in the data folder."""
    trusted_proxy: tuple[str, ...] = ("127.0.0.1",)
    """Addresses and networks whose word on a client's address and scheme counts."""
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] | None = None
    metrics_host: str = "127.0.0.1"
    drain_notice: Annotated[int, msgspec.Meta(ge=0, le=300)] = 5
    """Seconds of being unready before the listener closes, where readiness is asked."""
    grace: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 30
    """Seconds from SIGTERM to the end, as an orchestrator allows: 30 in Kubernetes."""
    public_url: str | None = None
    allowed_origin: tuple[str, ...] = ()
    limit: dict[str, int] = {}
    demo: bool = False
    unsafe_durability: bool = False
    otlp_url: str | None = None
    """Where spans go: http://collector:4318/v1/traces, say; takes the extra `otel`."""
    trace_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """Of all traces; calls that fail or are slow are sent in any case."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    failpoints: str | None = None
    """Faults on purpose, for tests; see `chatd.failpoints`."""
    secret: str | None = None
    issuers: tuple[IssuerSettings, ...] = ()

    @property
    def limits(self) -> Limits:
        """The default limits with this configuration's changes."""
        return with_changes(Limits(), self.limit)

    @property
    def attachments_folder(self) -> Path | None:
        """The folder of the files of messages; None if they are in a bucket."""
        if self.attachments_url is None:
            return (self.data_dir / "attachments").absolute()
        path = self.attachments_url.removeprefix("file://")
        return None if path == self.attachments_url else Path(path)

    @property
    def database(self) -> str:
        """The database's address; by default an SQLite file in the data folder."""
        return self.database_url or f"{SQLITE}{self.data_dir / 'chatd.sqlite3'}"

    @property
    def database_file(self) -> Path | None:
        """The file, if the database is SQLite's."""
        path = self.database.removeprefix(SQLITE)
        return None if path == self.database else Path(path)


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` has a sentence for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


_FILE_ONLY = {"issuers"}
_LISTS = {"allowed_origin", "trusted_proxy"}


def load(
    command_line: Mapping[str, object],
    environment: Mapping[str, str],
    file: Path | None = None,
) -> Config:
    """The effective configuration.

    Args:
        command_line: what was really given there, by the names of `Config`.
        environment: usually `os.environ`; only `CHATD_*` is read.
        file: a file that must exist; without one, `CHATD_CONFIG` names it, and
            without that it is chatd.toml of the working folder, if there is one.

    Raises:
        ConfigError: with every problem that was found.
    """
    known = set(Config.__struct_fields__)
    of_file = _of_file(file, environment)
    of_environment = _of_environment(environment)
    unknown = [
        *(
            f"{name}: no such key of the file{meant(name, known)}"
            for name in set(of_file) - known
        ),
        *(
            f"{PREFIX}{name.upper()}: no such setting{meant(name, known).upper()}"
            for name in set(of_environment) - (known - _FILE_ONLY)
        ),
    ]
    if unknown:
        raise ConfigError(sorted(unknown))
    merged: dict[str, object] = {}
    limits: dict[str, object] = {}
    for layer in (of_file, of_environment, command_line):
        merged |= layer
        limits |= _limits(layer.get("limit", {}))
    config = _converted(merged | {"limit": limits})
    if problems := list(_contradictions(config)):
        raise ConfigError(problems)
    return config


def _converted(given: Mapping[str, object]) -> Config:
    """Every setting as its type.

    Raises:
        ConfigError: with each one that is not.
    """
    problems, values = [], {}
    for field in msgspec.structs.fields(Config):
        if field.name not in given:
            continue
        try:
            values[field.name] = msgspec.convert(
                given[field.name], field.type, strict=False, dec_hook=_as_path
            )
        except msgspec.ValidationError as error:
            problems.append(worded(str(error), field.name) + _choices(field.type))
    if problems:
        raise ConfigError(problems)
    return Config(**values)


def _choices(wanted: object) -> str:
    choices = get_args(wanted) if get_origin(wanted) is Literal else ()
    return f": {', '.join(choices)}" if choices else ""


def _of_file(file: Path | None, environment: Mapping[str, str]) -> dict[str, object]:
    named = environment.get(PREFIX + "CONFIG")
    path = file or Path(named or FILE_NAME)
    if file is None and named is None and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError([f"{path}: {error}"]) from None


def _of_environment(environment: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for variable, value in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name == "config":
            continue
        listed = name in _LISTS or name == "limit"
        found[name] = value.split(",") if listed else value
    return found


def _limits(given: object) -> dict[str, object]:
    """`{name: value}` of a table, or of words such as `sendsPerSecond=100`."""
    if isinstance(given, Mapping):
        return {str(name): value for name, value in given.items()}
    if not isinstance(given, list | tuple):
        raise ConfigError(["limit: needs NAME=VALUE"])
    found: dict[str, object] = {}
    for word in given:
        name, equals, value = str(word).partition("=")
        if not equals:
            raise ConfigError([f"limit: {word} is not NAME=VALUE"])
        if not value.strip().isdecimal():
            raise ConfigError([f"limit: {name.strip()} needs a whole number"])
        found[name.strip()] = value.strip()
    return found


def _as_path(wanted: type, given: object) -> object:
    """The only type of a setting that msgspec does not know."""
    if wanted is Path and isinstance(given, str | Path) and str(given):
        return Path(given)
    raise ValueError(f"Expected a path, got {type(given).__name__}")


def _contradictions(config: Config) -> Iterator[str]:
    """Sentences for what no server may start with."""
    if not config.database.startswith((SQLITE, *POSTGRES)):
        yield "database_url: needs sqlite:///PATH or postgresql://USER@HOST/NAME"
    files = config.attachments_url or "s3://"
    if not files.startswith(("file:///", "s3://")):
        yield "attachments_url: needs file:///FOLDER or s3://BUCKET"
    if config.redis_url and urlsplit(config.redis_url).scheme not in REDIS_SCHEMES:
        yield f"redis_url: needs one of {', '.join(REDIS_SCHEMES)}"
    try:
        _ = config.limits
    except ValueError as error:
        known = describe_limits(Limits())
        strange = next((name for name in config.limit if name not in known), "")
        yield f"limit: {error}{meant(strange, known)}"
    if config.otlp_url and not config.otlp_url.startswith(("http://", "https://")):
        yield "otlp_url: needs http://COLLECTOR:4318/v1/traces, or https"
    if config.metrics_port and config.metrics_port == config.port:
        yield "metrics_port: is the port itself; leave it out, or choose another"
    if config.drain_notice >= config.grace:
        yield "drain_notice: has to leave some of the grace to everything else"
    yield from _failpoint_problems(config)
    yield from _sharing_problems(config)
    yield from _web_problems(config)
    yield from _key_problems(config)


def _sharing_problems(config: Config) -> Iterator[str]:
    """Several processes are one server if they share whatever they rest on."""
    shared = config.database_file is None and config.redis_url is not None
    if config.workers > 1 and not shared:
        yield "workers: more than one needs PostgreSQL and Redis"
    if config.internal_url is None:
        return
    if not shared:
        yield "internal_url: several gateways need PostgreSQL and Redis"
    if (host := host_of_internal(config.internal_url)) is None:
        yield "internal_url: needs http://ADDRESS:PORT"
    elif not is_loopback(host):
        if config.deployment_secret is None:
            yield "deployment_secret: gateways of several hosts need the same one"
        if config.secret is None and not config.issuers:
            yield "secret: gateways of several hosts need the same one, or issuers"


def _failpoint_problems(config: Config) -> Iterator[str]:
    if config.failpoints is None:
        return
    if config.public_url is not None or not is_loopback(config.host):
        yield "failpoints: not on a server that others reach, so never in production"
    try:
        if not config.failpoints.startswith("@"):
            failpoints.parse(config.failpoints)
    except ValueError as error:
        yield f"failpoints: {error}"


def _web_problems(config: Config) -> Iterator[str]:
    if config.public_url is not None and not is_web_url(config.public_url):
        yield "public_url: needs http://HOST or https://HOST"
    for origin in config.allowed_origin:
        if not is_origin(origin):
            every = "; name each one" if origin == "*" else ""
            yield f"allowed_origin: {origin} is not SCHEME://HOST[:PORT]{every}"
    for proxy in config.trusted_proxy:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            yield f"trusted_proxy: {error}"


def _key_problems(config: Config) -> Iterator[str]:
    for name in SECRETS:
        given = getattr(config, name)
        if given is not None and len(given.encode()) < SECRET_BYTES_MIN:
            yield f"{name}: needs at least {SECRET_BYTES_MIN} bytes"
    if config.secret is not None and config.issuers:
        yield "secret: is not used when issuers are listed; name it as a key there"
    names = [issuer.iss for issuer in config.issuers]
    for at, issuer in enumerate(config.issuers):
        if names.count(issuer.iss) > 1:
            yield f"issuers[{at}].iss: {issuer.iss} is listed twice"
        for problem in issuer_problems(issuer):
            yield f"issuers[{at}].{problem}"


def warnings(config: Config) -> list[str]:
    """Sentences for what works and is unsafe: `chatd check` fails on them."""
    found = []
    if config.unsafe_durability:
        found.append("unsafe_durability: an acknowledged message may be lost")
    if config.failpoints is not None:
        found.append("failpoints: the server dies, waits or fails on purpose")
    if config.demo and not is_loopback(config.host):
        found.append(f"demo: its login links work for whoever reaches {config.host}")
    elif config.demo and config.public_url is not None:
        found.append("demo: its login links work for whoever sees the log")
    if config.public_url is not None and not is_safe_url(config.public_url):
        found.append("public_url: over http:// everybody on the way can read tokens")
    found += [
        f"allowed_origin: anybody on the way can change the pages of {origin}"
        for origin in config.allowed_origin
        if not is_safe_url(origin)
    ]
    if config.redis_url and config.workers == 1 and config.deployment_secret is None:
        found.append("deployment_secret: without it no other gateway hears this one")
    if config.workers > 1 and config.metrics_port is None:
        found.append("metrics_port: without one nobody can scrape several workers")
    if config.metrics_port is not None and not is_inside(config.metrics_host):
        found.append(
            f"metrics_host: whoever reaches {config.metrics_host} can read the metrics"
        )
    return found


def packed(config: Config) -> bytes:
    """The whole configuration, secrets and all, as one line for a worker."""
    return msgspec.json.encode(config, enc_hook=str)


def unpacked(line: bytes) -> Config:
    """What `packed` has made."""
    return msgspec.json.decode(line, type=Config, dec_hook=_as_path)


def describe(config: Config) -> str:
    """The effective settings as lines of names and JSON values, secrets masked."""
    shown = msgspec.to_builtins(config, enc_hook=str)
    for name in SECRETS:
        if shown[name] is not None:
            shown[name] = MASK
    for name in ("database_url", "redis_url"):
        if shown[name] is not None:
            shown[name] = _without_password(shown[name])
    for issuer in shown["issuers"]:
        if issuer["key"] is not None and "HS256" in issuer["algorithms"]:
            issuer["key"] = MASK
    return "\n".join(
        f"{name} = {msgspec.json.encode(value).decode()}"
        for name, value in shown.items()
        if value is not None
    )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", f":{MASK}@", 1)
