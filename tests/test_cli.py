"""If these fail, an operator's command does something else than it says."""

from pathlib import Path

import apsw
import jwt
import pytest
from click.testing import CliRunner, Result

from chatd.cli import main
from chatd.config import MASK
from chatd.operating.ports import open_port

SECRET = "a secret for these tests, long enough"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, arguments)


def test_a_token_and_nothing_else() -> None:
    """A script could not use what the command prints."""
    result = run(
        *("token", "--tenant", "demo", "--user", "anna", "--ttl", "60"),
        *("--scope", "events", "--scope", "directory"),
        CHATD_SECRET=SECRET,
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    claims = jwt.decode(result.stdout.strip(), SECRET, ["HS256"])
    assert (claims["sub"], claims["tenant"]) == ("anna", "demo")
    assert claims["scope"] == "directory events"
    assert 59 <= claims["exp"] - claims["iat"] <= 60


def test_a_token_of_the_data_folders_own_secret(tmp_path: Path) -> None:
    """The first token would need a secret that nobody has yet."""
    result = run("token", "--tenant", "t", "--user", "u", "--data-dir", "here")
    secret = (tmp_path / "here" / "secret").read_bytes()
    assert jwt.decode(result.stdout.strip(), secret, ["HS256"])["sub"] == "u"


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "--tenant", "t"),
        ("token", "--tenant", "t", "--user", "u", "--scope", "king"),
        ("token", "--tenant", "t", "--user", "u", "--ttl", "0"),
        ("serve", "--no-such-option"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    """A mistyped command would do something."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_check_prints_what_holds() -> None:
    """An operator could not see which of three sources won."""
    Path("chatd.toml").write_text('host = "10.0.0.1"\nport = 1\n')
    result = run(
        *("check", "--port", "9", "--limit", "recipients=7"),
        CHATD_SECRET=SECRET,
        CHATD_PUBLIC_URL="https://chat.example",
    )
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert 'host = "10.0.0.1"' in lines
    assert "port = 9" in lines
    assert 'public_url = "https://chat.example"' in lines
    assert 'limit = {"recipients":7}' in lines
    assert f'secret = "{MASK}"' in lines
    assert SECRET not in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--workers", "2"), "more than one needs PostgreSQL and Redis"),
        (("--database-url", "mysql://h/d"), "postgresql://"),
        (("--unsafe-durability",), "may be lost"),
        (("--limit", "noSuch=1"), "no limit named noSuch"),
        (("--config", "missing.toml"), "missing.toml"),
    ],
)
def test_check_fails_on_what_is_unsafe_or_wrong(
    arguments: tuple[str, ...], sentence: str
) -> None:
    """A pipeline would let a configuration through that loses messages."""
    result = run("check", *arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr


def test_check_looks_and_makes_nothing(tmp_path: Path) -> None:
    """A check would leave a folder and a secret where it was run."""
    result = run("check", "--data-dir", "data")
    assert result.exit_code == 0
    facts = [line for line in result.stdout.splitlines() if line.startswith("# ")]
    about = [line.split()[1] for line in facts]
    assert about == ["disk:", "sync:", "database:", "clock:", "files:"]
    assert list(tmp_path.iterdir()) == []


def test_both_refuse_what_is_unsafe_on_this_machine(tmp_path: Path) -> None:
    """A server would start whose secret everybody of the machine can read."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o644)
    for command in ("check", "serve"):
        result = run(command, "--data-dir", ".", "--port", "0")
        assert result.exit_code == 1
        assert "error: secret: others than its owner may open" in result.stderr
        assert SECRET not in result.output


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """An operator would see a traceback, or a server that nobody can reach."""
    with open_port("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("serve", "--port", port, "--data-dir", "data")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: port: cannot listen on 127.0.0.1:{port}")
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_is_none(tmp_path: Path) -> None:
    """An operator would be told what the system calls it."""
    (tmp_path / "file").touch()
    result = run("serve", "--port", "0", "--data-dir", "file")
    assert result.exit_code == 1
    assert "error: data_dir: " in result.stderr
    assert "file is not a folder" in result.stderr


def test_serve_refuses_what_check_refuses() -> None:
    """A server would start on settings that it cannot keep."""
    result = run("serve", "--workers", "2")
    assert result.exit_code == 1
    assert result.stderr == "error: workers: more than one needs PostgreSQL and Redis\n"
    assert result.stdout == ""


def test_a_wrong_variable_is_named() -> None:
    """A mistyped variable would be ignored."""
    result = run("check", CHATD_PROT="1")
    assert result.exit_code == 1
    assert "CHATD_PROT" in result.stderr


def test_migrate_makes_the_database(tmp_path: Path) -> None:
    """An upgrade could not be prepared before the server starts."""
    for _ in range(2):
        result = run("migrate", "--data-dir", "data")
        assert (result.exit_code, result.output) == (0, "")
    connection = apsw.Connection(str(tmp_path / "data" / "chatd.sqlite3"))
    assert connection.execute("SELECT count(*) FROM tenant").fetchone() == (0,)
    connection.close()


def test_migrate_says_what_is_no_database(tmp_path: Path) -> None:
    """A wrong path would end in a traceback, or worse, be overwritten."""
    (tmp_path / "chatd.sqlite3").write_bytes(b"these are my holiday pictures" * 99)
    result = run("migrate", "--data-dir", ".")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert (tmp_path / "chatd.sqlite3").read_bytes().startswith(b"these are")
