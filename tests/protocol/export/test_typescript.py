"""The contract's TypeScript types, judged by the compiler."""

import subprocess
from pathlib import Path

import pytest

from chatd_protocol.export.typescript import typescript

ROOT = Path(__file__).resolve().parents[3]

USE = """
import type { Event, Methods, Targets } from "./contract.js";

const request: Methods["SendMessage"]["request"] = {
  conversationId: "c", clientMessageId: "1", text: "Hello",
};
export const read = (event: Event): string | undefined =>
  event.type === "message.created" ? event.message.text : undefined;
export const target: keyof Targets = "MessageCreated";
export default request;
"""
MISUSE = """
import type { Methods } from "./contract.js";
export const request: Methods["SendMessage"]["request"] = { conversationId: 1 };
"""


def compile_beside(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    (folder / "contract.ts").write_text(typescript(), encoding="utf-8")
    (folder / "use.ts").write_text(program, encoding="utf-8")
    compiler = ROOT / "node_modules" / ".bin" / "tsc"
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"]
    return subprocess.run(
        [compiler, *options, "--moduleResolution", "nodenext", "use.ts"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_client_compiles_against_the_types(tmp_path: Path) -> None:
    """The published types would not even compile."""
    done = compile_beside(tmp_path, USE)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("program", [MISUSE])
def test_a_wrong_client_does_not(tmp_path: Path, program: str) -> None:
    """The types would accept anything."""
    done = compile_beside(tmp_path, program)
    assert done.returncode != 0
    assert "use.ts" in done.stdout
