"""The commands: `chatd serve`, `chatd token`, `chatd migrate`, `chatd check`.

Only what was really typed is handed on as such, so that the file and the environment
can say the rest. Standard output has what was asked for and nothing else.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from chatd import __version__, app
from chatd.clock import SystemClock
from chatd.config import Config, ConfigError, describe, load
from chatd.domain.people import Caller
from chatd.identity.issuers import issuers, signer
from chatd.identity.tokens import SCOPES, mint
from chatd.operating.soundness import Finding, Weight, findings
from chatd.store.engine.migrating import SchemaError
from chatd.store.engine.sqlite import open_store

TTL_S = 3600
TTL_S_MAX = 366 * 24 * 3600

Command = Callable[..., None]

_COMMON = (
    click.option("--config", type=click.Path(path_type=Path), help="Settings file."),
    click.option(
        "--data-dir", type=click.Path(path_type=Path), help="Database and secret."
    ),
)

_DATABASE = click.option("--database-url", help="sqlite:///PATH; default: data folder.")

_SERVE = (
    click.option("--host", help="Address to listen on; default 127.0.0.1."),
    click.option("--port", type=int, help="0 takes any free one; default 8080."),
    _DATABASE,
    click.option("--redis-url", help="Not in this version."),
    click.option("--workers", type=int, help="Processes; default 1."),
    click.option("--metrics-port", type=int, help="Own port for metrics and probes."),
    click.option("--metrics-host", help="Its address; default 127.0.0.1."),
    click.option(
        "--drain-notice", type=int, help="Seconds unready before closing; default 5."
    ),
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
    _or_fail(lambda: app.serve(config))


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


async def _migrate(config: Config) -> None:
    store = open_store(
        config.database_path, clock=SystemClock(), on_committed=lambda _: None
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


def _or_fail(work: Callable[[], object]) -> None:
    try:
        work()
    except (ConfigError, SchemaError, OSError) as error:
        _fail(str(error).splitlines())


def _fail(problems: list[str]) -> NoReturn:
    for text in problems:
        click.echo(f"error: {text}", err=True)
    sys.exit(1)
