"""If these fail, a server starts with settings that nobody meant."""

from pathlib import Path

import pytest

from chatd.config import (
    MASK,
    ConfigError,
    describe,
    load,
    packed,
    unpacked,
    warnings,
)

SECRET = "x" * 32


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(**command_line: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(command_line, {})
    return caught.value.problems


def file_problems(text: str) -> list[str]:
    Path("chatd.toml").write_text(text)
    return problems()


def test_later_sources_win_key_by_key() -> None:
    """An operator could not override a file by a variable, or that by an option."""
    Path("chatd.toml").write_text(
        'host = "10.0.0.1"\nport = 1\nlog_level = "error"\n'
        "[limit]\nrecipients = 5\npageItems = 7\n"
    )
    environment = {"CHATD_PORT": "2", "CHATD_LOG_LEVEL": "debug", "PATH": "/bin"}
    environment |= {"CHATD_LIMIT": "recipients=6", "CHATD_DEMO": "true"}
    config = load({"log_level": "info"}, environment)
    assert (config.host, config.port, config.log_level) == ("10.0.0.1", 2, "info")
    assert config.demo
    assert (config.limits.recipients, config.limits.page_items) == (6, 7)


def test_defaults_serve_on_this_machine_only() -> None:
    """A newcomer's server would be open to the whole network."""
    config = load({}, {})
    assert (config.host, config.port) == ("127.0.0.1", 8080)
    assert config.database_file == Path("chatd-data/chatd.sqlite3")
    assert warnings(config) == []


def test_lists_from_the_environment() -> None:
    """A repeatable option could be given once only by a variable."""
    config = load({}, {"CHATD_ALLOWED_ORIGIN": "https://a.example,https://b.example"})
    assert config.allowed_origin == ("https://a.example", "https://b.example")


def test_paths_from_every_source() -> None:
    """The data folder could be set on the command line only."""
    Path("chatd.toml").write_text('data_dir = "a"\n')
    assert load({}, {}).data_dir == Path("a")
    assert load({}, {"CHATD_DATA_DIR": "/b"}).data_dir == Path("/b")
    assert load({"data_dir": Path("c")}, {}).data_dir == Path("c")
    url = load({}, {"CHATD_DATABASE_URL": "sqlite:////srv/chat.db"})
    assert url.database_file == Path("/srv/chat.db")
    assert "data_dir" in "".join(problems(data_dir=7))


def test_a_named_file_must_exist() -> None:
    """A mistyped file name would silently start a server on defaults."""
    for arguments in ({"environment": {"CHATD_CONFIG": "no.toml"}}, {"file": "no"}):
        environment = arguments.get("environment", {})
        file = Path("no.toml") if "file" in arguments else None
        with pytest.raises(ConfigError, match=r"no\.toml"):
            load({}, environment, file)  # type: ignore[arg-type]


def test_unknown_keys_are_named_wherever_they_come_from() -> None:
    """A mistyped key would be ignored and its setting silently not apply."""
    assert file_problems("prot = 1") == [
        "prot: no such key of the file; did you mean port?"
    ]
    Path("chatd.toml").unlink()
    with pytest.raises(ConfigError, match="CHATD_PROT"):
        load({}, {"CHATD_PROT": "1"})
    (problem,) = file_problems(
        f'[[issuers]]\niss = "a"\nalgorithms = ["HS256"]\nkey = "{SECRET}"\n'
        'tenants = ["t"]\nadmin = true'
    )
    assert "admin" in problem


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("port", 65_536, "port: at most 65535"),
        ("database_url", "mysql://h/d", "postgresql://"),
        ("database_url", "chat.db", "needs sqlite:///PATH"),
        ("workers", 2, "workers: more than one needs PostgreSQL and Redis"),
        ("redis_url", "http://h", "needs one of redis, rediss, unix"),
        ("limit", ("noSuch=1",), "no limit named noSuch"),
        ("limit", ("recipients",), "not NAME=VALUE"),
        ("limit", ("recipients=0",), "positive"),
        ("limit", ("recipients=many",), "limit"),
        ("public_url", "chat.example", "public_url"),
        ("allowed_origin", ("*",), "allowed_origin: *"),
        ("allowed_origin", ("https://a.example/path",), "allowed_origin"),
        ("secret", "short", "at least 32 bytes"),
        ("deployment_secret", "short", "at least 32 bytes"),
        ("trusted_proxy", ("balancer",), "trusted_proxy"),
        ("internal_url", "http://10.0.0.1:81", "several gateways need PostgreSQL"),
        ("internal_url", "https://10.0.0.1:81", "needs http://ADDRESS:PORT"),
        ("internal_url", "http://10.0.0.1", "needs http://ADDRESS:PORT"),
        ("internal_url", "http://10.0.0.1:port", "needs http://ADDRESS:PORT"),
        ("internal_url", "http://10.0.0.1:81/x", "needs http://ADDRESS:PORT"),
        ("internal_url", "http://10.0.0.1:81", "deployment_secret: gateways"),
        ("internal_url", "http://10.0.0.1:81", "secret: gateways"),
    ],
)
def test_what_no_server_starts_with(setting: str, value: object, sentence: str) -> None:
    """A server would start and then not do what it was told."""
    assert sentence in "\n".join(problems(**{setting: value}))


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ('algorithms = ["HS256"]\nkey = "short"', "HS256 needs at least"),
        ('algorithms = ["HS256", "RS256"]\nkey = "K"', "cannot stand beside"),
        ('algorithms = ["none"]\nkey = "K"', "algorithms"),
        ('algorithms = ["RS256"]', "either key or jwks_url"),
        ('algorithms = ["RS256"]\njwks_url = "http://far.example/k"', "https://"),
        ('algorithms = ["HS256"]\njwks_url = "https://a.example"', "never published"),
    ],
)
def test_unsafe_issuers(lines: str, sentence: str) -> None:
    """Tokens could be forged by whoever knows a public key or guesses a short one."""
    lines = lines.replace('"K"', f'"{SECRET}"')
    text = f'[[issuers]]\niss = "a"\ntenants = ["t"]\n{lines}\n'
    assert sentence in "\n".join(file_problems(text))


def test_an_issuer_stands_once() -> None:
    """Which of two keys and tenants lists holds would be anybody's guess."""
    issuer = f'[[issuers]]\niss = "a"\ntenants = ["t"]\nkey = "{SECRET}"\n'
    issuer += 'algorithms = ["HS256"]\n'
    assert "listed twice" in "\n".join(file_problems(issuer * 2))


def test_the_description_masks_secrets() -> None:
    """`chatd check` would print secrets into a terminal or a ticket."""
    Path("chatd.toml").write_text(
        f'[[issuers]]\niss = "a"\ntenants = ["t"]\nkey = "{SECRET}"\n'
        'algorithms = ["HS256"]\n'
    )
    shown = describe(load({}, {}))
    assert SECRET not in shown
    assert MASK in shown
    Path("chatd.toml").unlink()
    assert SECRET not in describe(load({}, {"CHATD_SECRET": SECRET}))


def test_a_worker_is_told_everything() -> None:
    """A worker would run with other settings than its parent was given."""
    config = load(
        {"limit": ("recipients=7",), "trusted_proxy": ("10.0.0.0/8",)},
        {"CHATD_SECRET": SECRET, "CHATD_DATA_DIR": "/srv/chat"},
    )
    line = packed(config)
    assert b"\n" not in line
    assert unpacked(line) == config


def test_what_works_but_is_unsafe() -> None:
    """`chatd check` would pass an installation that can lose messages."""
    risky = load({"unsafe_durability": True, "demo": True, "host": "0.0.0.0"}, {})
    assert [text.partition(":")[0] for text in warnings(risky)] == [
        "unsafe_durability",
        "demo",
    ]


def test_gateways_that_do_not_hear_each_other() -> None:
    """Two gateways would make up secrets of their own, and everything come late."""
    lonely = {"redis_url": "redis://h"}
    (text,) = warnings(load(lonely, {}))
    assert text.startswith("deployment_secret: ")
    assert warnings(load({**lonely, "deployment_secret": "s" * 32}, {})) == []


@pytest.mark.parametrize(
    ("setting", "value", "unsafe"),
    [
        ("public_url", "http://chat.example", True),
        ("public_url", "https://chat.example", False),
        ("public_url", "http://127.0.0.1:8080", False),
        ("allowed_origin", ["http://school.example"], True),
        ("allowed_origin", ["https://school.example", "http://localhost:3000"], False),
        ("metrics_host", "0.0.0.0", True),
        ("metrics_host", "::", True),
        ("metrics_host", "192.0.2.1", False),
        ("metrics_host", "8.8.8.8", True),
        ("metrics_host", "10.1.2.3", False),
    ],
)
def test_what_strangers_could_read(setting: str, value: object, unsafe: bool) -> None:
    """Tokens would travel in clear, or numbers stand in the open, unnoticed."""
    found = warnings(load({setting: value, "metrics_port": 9100}, {}))
    assert [text.partition(":")[0] for text in found] == [setting] * unsafe


def test_demo_links_are_for_demos() -> None:
    """Everybody who reads a real installation's log could sign in as its owner."""
    (text,) = warnings(load({"demo": True, "public_url": "https://c.example"}, {}))
    assert text.startswith("demo: ")


def test_everything_wrong_is_said_at_once() -> None:
    """An operator would start the server once for every mistake."""
    with pytest.raises(ConfigError) as error:
        load({"port": 70_000, "log_level": "loud", "workers": "many"}, {})
    assert error.value.problems == [
        "port: at most 65535",
        "workers: needs a whole number",
        "log_level: loud is not one of these: debug, info, warning, error",
    ]


def test_a_typing_error_is_guessed() -> None:
    """The next thing that an operator types would be wrong as well."""
    with pytest.raises(ConfigError) as error:
        load({"limit": ("recipient=5",)}, {})
    (problem,) = error.value.problems
    assert problem.endswith("no limit named recipient; did you mean recipients?")
    with pytest.raises(ConfigError) as error:
        load({}, {"CHATD_PROT": "1"})
    assert "PORT" in error.value.problems[0]
