"""If these fail, a client in TypeScript cannot use the published types."""

import subprocess
from pathlib import Path

from chatd_protocol.export.typescript import typescript

ROOT = Path(__file__).resolve().parents[3]

USE = """\
import type { Event, ErrorCode, Methods, Streams, Targets } from "./contract";

declare function call<M extends keyof Methods>(
  method: M,
  request: Methods[M]["request"],
): Promise<Methods[M]["result"]>;
declare function on<T extends keyof Targets>(
  target: T,
  handler: (event: Targets[T]) => void,
): void;

export async function story(): Promise<string | undefined> {
  const message = await call("SendMessage", {
    conversationId: "c",
    clientMessageId: "m",
    text: "Hello",
  });
  on("Typing", (hint) => hint.actor.name);
  on("Event", (event: Event) => {
    if (event.type === "message.created") return event.message.text;
    if (event.type === "conversation.left") return event.leftSeq;
    return undefined;
  });
  const code: ErrorCode = "not_found";
  const watch: Streams["WatchEvents"]["request"] = {};
  return message.text ?? `${code}${watch.cursor}`;
}
"""
WRONG = {
    "an unknown method": 'call("Fly", {});',
    "a field that is missing": 'call("SendMessage", { conversationId: "c" });',
    "a field of another type": 'on("MessageCreated", (e) => e.seq.trim());',
    "a code that does not exist": 'const code: ErrorCode = "nope";',
}


def compiled(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    (folder / "contract.ts").write_text(typescript(), encoding="utf-8")
    (folder / "use.ts").write_text(program, encoding="utf-8")
    tsc = ROOT / "node_modules" / ".bin" / "tsc"
    return subprocess.run(
        [str(tsc), "--noEmit", "--strict", "--target", "es2022", "use.ts"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_program_compiles(tmp_path: Path) -> None:
    """A right program would be refused."""
    done = compiled(tmp_path, USE)
    assert (done.returncode, done.stdout) == (0, "")


def test_wrong_programs_do_not_compile(tmp_path: Path) -> None:
    """A wrong program would be let through."""
    for name, line in WRONG.items():
        assert compiled(tmp_path, USE + line).returncode != 0, name
