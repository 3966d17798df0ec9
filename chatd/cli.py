"""The commands, from `chatd serve` to `chatd restore`.

Only what was really typed is handed on as such, so that the file and the environment
can say the rest. Standard output has what was asked for and nothing else.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import msgspec

from chatd import __version__, app
from chatd.clock import SystemClock
from chatd.config import Config, ConfigError, describe, load, unpacked
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.identity.issuers import issuers, signer
from chatd.identity.tokens import SCOPES, mint
from chatd.operating import asking, copies, importing, trails, workers
from chatd.operating.asking import AskFailed
from chatd.operating.copies import Restored
from chatd.operating.importing import ImportFailed
from chatd.operating.soundness import Finding, Weight, findings
from chatd.store.engine.migrating import SchemaError
from chatd.store.engine.opening import open_store
from chatd.store.upkeep.copying import CopyError
from chatd_protocol.chat.directory import LineResult

TTL_S = 3600
TTL_S_MAX = 366 * 24 * 3600

Command = Callable[..., None]
T = TypeVar("T")

_PATH = click.Path(path_type=Path)

_COMMON = (
    click.option("--config", type=_PATH, help="Settings file."),
    click.option("--data-dir", type=_PATH, help="Database and secret."),
)

_DATABASE = click.option("--database-url", help="sqlite:///PATH or postgresql://…")

_PERSON = (
    click.option("--tenant", required=True),
    click.option("--user", required=True),
    click.option(
        "--url", help="The server; default: the one that these settings start."
    ),
)

_SERVE = (
    click.option("--host", help="Address to listen on; default 127.0.0.1."),
    click.option("--port", type=int, help="0 takes any free one; default 8080."),
    _DATABASE,
    click.option("--redis-url", help="redis://HOST[:PORT]; default: none."),
    click.option(
        "--attachments-url", help="file:///FOLDER or s3://BUCKET; default: data folder."
    ),
    click.option("--workers", type=int, help="Processes; default 1."),
    click.option("--internal-url", help="Where other gateways reach this one."),
    click.option(
        "--trusted-proxy",
        multiple=True,
        help="Balancer that is believed; repeatable; default 127.0.0.1.",
    ),
    click.option("--metrics-port", type=int, help="Own port for metrics and probes."),
    click.option("--metrics-host", help="Its address; default 127.0.0.1."),
    click.option(
        "--drain-notice", type=int, help="Seconds unready before closing; default 5."
    ),
    click.option("--grace", type=int, help="Seconds to end after SIGTERM; default 30."),
    click.option("--public-url", help="Where users reach the server."),
    click.option(
        "--allowed-origin", multiple=True, help="Pages that may connect; repeatable."
    ),
    click.option(
        "--limit", multiple=True, metavar="NAME=VALUE", help="Any limit; repeatable."
    ),
    click.option("--demo", is_flag=True, help="Create the demo tenant."),
    click.option(
        "--unsafe-durability", is_flag=True, help="Answer before the disk has it."
    ),
    click.option("--otlp-url", help="Where spans go: http://HOST:4318/v1/traces."),
    click.option("--trace-ratio", type=float, help="Of traces sent; default 0.01."),
    click.option("--log-level", help="debug, info, warning or error."),
)


def _options(*given: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(given):
            command = option(command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="chatd")
def main() -> None:
    """A message server for learning platforms."""


@main.command()
@_options(*_COMMON, *_SERVE)
def serve(**options: Any) -> None:
    """Run the server."""
    config = _load(options)
    _say([one for one in findings(config, SystemClock()) if one.weight != Weight.FACT])
    if config.workers == 1:
        _or_fail(lambda: app.serve(config))
    else:
        _or_fail(lambda: sys.exit(workers.serve(config)))


@main.command(hidden=True)
@click.argument("public", type=int)
def worker(public: int) -> None:
    """One process of `chatd serve --workers`, started by it."""
    config = unpacked(sys.stdin.buffer.readline())
    with socket.socket(fileno=public) as listening:
        parent = app.Parent(listening, sys.stdin.fileno())
        _or_fail(lambda: app.serve(config, parent))


@main.command()
@_options(*_COMMON, *_SERVE)
def check(**options: Any) -> None:
    """Print the effective settings, secrets masked; exit 1 if they are unsafe."""
    config = _load(options)
    click.echo(describe(config))
    if config.issuers:
        _or_fail(lambda: issuers(config, SystemClock()))
    found = findings(config, SystemClock())
    for one in found:
        if one.weight is Weight.FACT:
            click.echo(f"# {one}")
    unsafe = [one for one in found if one.weight is not Weight.FACT]
    _say(unsafe)
    sys.exit(1 if unsafe else 0)


@main.command()
@_options(*_COMMON, _DATABASE)
def migrate(**options: Any) -> None:
    """Bring the database up to date."""
    config = _load(options)
    _or_fail(lambda: asyncio.run(_migrate(config)))


@main.command()
@_options(*_COMMON, _DATABASE)
@click.option(
    "--erasures", type=_PATH, help="Write only the ledger of erasures, to this file."
)
@click.argument("folder", type=_PATH, required=False)
def backup(folder: Path | None, erasures: Path | None, **options: Any) -> None:
    """Copy the database, in use or not, to FOLDER; print where the copy is.

    Default: a new folder in `backups` of the data folder.
    """
    config = _load(options)
    if erasures is None:
        _or_fail(lambda: click.echo(copies.take(config, SystemClock(), folder)))
        return
    if folder is not None:
        _fail(["give either a FOLDER or --erasures"])
    _or_fail(lambda: copies.write_ledger(config, erasures))
    click.echo(erasures)


@main.command()
@_options(*_COMMON, _DATABASE)
@click.option(
    "--erasures",
    type=_PATH,
    multiple=True,
    help="A ledger that `backup --erasures` has written; repeatable.",
)
@click.option(
    "--forget-erasures",
    is_flag=True,
    help="Go on if what was erased since the backup cannot be read.",
)
@click.argument("folder", type=_PATH)
def restore(
    folder: Path, erasures: tuple[Path, ...], forget_erasures: bool, **options: Any
) -> None:
    """Put the backup in FOLDER in the place of the database; stop the server first.

    What was erased since stays erased. Clients load everything anew.
    """
    config = _load(options)
    _or_fail(
        lambda: _tell(
            copies.restore(
                config,
                SystemClock(),
                folder,
                ledgers=erasures,
                forget=forget_erasures,
            )
        )
    )


def _tell(done: Restored) -> None:
    click.echo(f"restored: the state of {done.taken_at}, as epoch {done.epoch}")
    click.echo(f"erased again: {done.erased}")
    if done.aside is not None:
        click.echo(f"kept: the database until now, as {done.aside}")
    if not done.ledger_known:
        click.echo(
            "warning: what was erased after the backup is not known here and is back;"
            " restore again with --erasures FILE if there is such a file",
            err=True,
        )


@main.command()
@_options(*_COMMON)
@click.option("--tenant", required=True)
@click.option("--user", required=True)
@click.option("--scope", multiple=True, type=click.Choice(sorted(SCOPES)))
@click.option(
    "--ttl", type=click.IntRange(1, TTL_S_MAX), default=TTL_S, help="Seconds."
)
def token(
    tenant: str, user: str, scope: tuple[str, ...], ttl: int, **options: Any
) -> None:
    """Print a signed token, and nothing else."""
    config = _load(options)
    caller = Caller(tenant, user, frozenset(scope))
    now_ms = SystemClock().now_ms()
    _or_fail(lambda: click.echo(mint(signer(config, tenant), caller, now_ms, ttl)))


@main.command("import")
@_options(*_COMMON)
@click.option("--tenant", required=True)
@click.option("--url", help="The server; default: the one that these settings start.")
@click.argument(
    "files", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1
)
def import_(
    tenant: str, url: str | None, files: tuple[Path, ...], **options: Any
) -> None:
    """Send FILES of directory data to a running server; exit 1 if a line is refused.

    A line is {"do": "putUser", "request": {...}}, named as in the HTTP API. A result
    per line goes to standard output; in a terminal there is a progress bar, and the
    refused lines.
    """
    caller = Caller(tenant, "chatd-import", frozenset({"directory"}))
    send = partial(importing.send, *_server(options, url, caller))
    refused = _or_fail(lambda: sum(_tell_results(path, send(path)) for path in files))
    sys.exit(1 if refused else 0)


def _server(
    options: dict[str, Any], url: str | None, caller: Caller
) -> tuple[str, str]:
    """Where a running server is, and a pass to it."""
    config = _load(options)
    base = url or config.public_url or f"http://{config.host}:{config.port}"
    key = _or_fail(lambda: signer(config, caller.tenant))
    return base.rstrip("/"), mint(key, caller, SystemClock().now_ms(), TTL_S)


@main.command()
@_options(*_COMMON, *_PERSON)
def export(tenant: str, user: str, url: str | None, **options: Any) -> None:
    """Print everything about a person as lines of JSON, by a running server."""
    caller = Caller(tenant, "chatd-export", frozenset({"admin"}))
    where = _server(options, url, caller)
    lines = asking.export(*where, user)
    while line := _or_fail(lambda: next(lines, None)):
        click.echo(line)


@main.command()
@_options(*_COMMON, *_PERSON)
def erase(tenant: str, user: str, url: str | None, **options: Any) -> None:
    """Take away all that there is of a person, by a running server.

    Refused while a legal hold is on something of it.
    """
    caller = Caller(tenant, "chatd-erase", frozenset({"admin"}))
    where = _server(options, url, caller)
    done = _or_fail(lambda: asking.erase(*where, user))
    click.echo(f"erased: {done.user_id}, {done.messages} messages")


def _tell_results(path: Path, results: Iterator[LineResult]) -> int:
    """Returns how many lines were refused."""
    in_terminal = sys.stdout.isatty()
    refused = done = 0
    with click.progressbar(
        results, length=importing.lines_in(path), label=path.name, file=sys.stderr
    ) as shown:
        for result in shown:
            done += 1
            refused += result.code is not None
            if not in_terminal:
                click.echo(msgspec.json.encode(result))
            elif result.code is not None:
                where = " ".join(one.pointer for one in result.errors or ())
                click.echo(f"\r{path.name}:{result.line}: {result.code} {where}")
    click.echo(f"{path.name}: {done - refused} done, {refused} refused", err=True)
    return refused


@main.group()
def audit() -> None:
    """The trail of who did what."""


@audit.command("verify")
@_options(*_COMMON, _DATABASE)
@click.option("--tenant", help="Only this one; default: all.")
@click.option(
    "--kept",
    multiple=True,
    metavar="TENANT:NUMBER:HASH",
    help="A row as an earlier look has printed it; repeatable.",
)
def verify(tenant: str | None, kept: tuple[str, ...], **options: Any) -> None:
    """Check that no row was changed, removed or added behind the server's back.

    A line per tenant: where its trail ends, and the first row that is not as it was
    written; exit 1 if there is one. Keep the lines elsewhere, and give them back with
    --kept: then not even a trail that was written anew from the beginning passes.
    """
    config, clock = _load(options), SystemClock()
    rows = _or_fail(lambda: trails.kept_from(kept))
    found = _or_fail(lambda: asyncio.run(trails.verify(config, clock, tenant, rows)))
    for one in found:
        click.echo(trails.line(one))
    sys.exit(1 if any(one.broken is not None for one in found) else 0)


async def _migrate(config: Config) -> None:
    store = await open_store(
        config.database, clock=SystemClock(), on_committed=lambda _: None
    )
    await store.close()


def _load(options: dict[str, Any]) -> Config:
    file = options.pop("config", None)
    given = {name: value for name, value in options.items() if _was_given(value)}
    try:
        return load(given, os.environ, file)
    except ConfigError as error:
        _fail(error.problems)


def _say(found: list[Finding]) -> None:
    """Each on a line of standard error; exits 1 if one of them is an error."""
    for one in found:
        click.echo(f"{one.weight.value}: {one}", err=True)
    if any(one.weight is Weight.ERROR for one in found):
        sys.exit(1)


def _was_given(value: object) -> bool:
    return value is not None and value is not False and value != ()


def _or_fail(work: Callable[[], T]) -> T:
    try:
        return work()
    except (
        AskFailed,
        ConfigError,
        CopyError,
        ImportFailed,
        Refused,
        SchemaError,
        OSError,
        ValueError,
    ) as error:
        _fail(str(error).splitlines())


def _fail(problems: list[str]) -> NoReturn:
    for text in problems:
        click.echo(f"error: {text}", err=True)
    sys.exit(1)
