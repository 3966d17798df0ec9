"""An event loop without a clock, a selector or threads: time is what the timers say.

A minute passes in as long as its callbacks take. Code belongs to a *process*, which can
be killed (nothing of it ever runs again, as after SIGKILL) or paused (everything of it
waits, as after SIGSTOP). A context variable says which process is running, and so whose
are the tasks and timers that it makes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, TypeVar, TypeVarTuple

Ts = TypeVarTuple("Ts")
T = TypeVar("T")
Postponed = tuple[asyncio.Handle, Callable[..., object], tuple[Any, ...]]

_PROCESS: Final[ContextVar["Process | None"]] = ContextVar("process", default=None)


class Process:
    """Something that can be killed alone."""

    def __init__(self, loop: "SimulatedLoop", name: str) -> None:
        self.name = name
        self.alive = True
        self.paused = False
        self._loop = loop
        self._waiting: deque[Postponed] = deque()
        self.context = copy_context()
        self.context.run(_PROCESS.set, self)
        loop.processes.append(self)

    def run(
        self,
        handles: list[asyncio.Handle],
        callback: Callable[..., object],
        *args: object,
    ) -> None:
        """Run a piece of it, if it runs at all; else keep it, with its handle."""
        if self.alive and not self.paused:
            callback(*args)
        else:
            self._waiting.append((handles[0], callback, args))

    def soon(self, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Have something run in it next."""
        self._loop.call_soon(callback, *args, context=self.context)

    def later(
        self,
        delay_s: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
    ) -> None:
        """Have something run in it after a while."""
        at_s = self._loop.time() + delay_s
        self._loop.call_at(at_s, callback, *args, context=self.context)

    def task(self, work: Coroutine[Any, Any, T], name: str = "") -> asyncio.Task[T]:
        """Have a coroutine run in it."""
        return self._loop.create_task(work, name=name or None, context=self.context)

    def kill(self) -> None:
        """SIGKILL. What it would still do is kept, for the loop to end it all."""
        self.alive = False

    def pause(self) -> None:
        """SIGSTOP."""
        self.paused = True

    def resume(self) -> None:
        """SIGCONT."""
        self.paused = False
        waiting, self._waiting = self._waiting, deque()
        for handle, callback, args in waiting:
            self.soon(self._run_late, handle, callback, args)

    @staticmethod
    def _run_late(
        handle: asyncio.Handle, callback: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        if not handle.cancelled():
            callback(*args)


class _Timeless:
    """What the base loop asks for events: there are none, and the wait is over."""

    def __init__(self, loop: "SimulatedLoop") -> None:
        self._loop = loop

    def select(self, timeout_s: float | None) -> list[object]:
        if timeout_s is None:
            raise RuntimeError("everybody waits, and nobody will ever come")
        self._loop.now_s += timeout_s
        return []


class SimulatedLoop(asyncio.BaseEventLoop):
    """asyncio's own loop and tasks, on time that costs nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.processes: list[Process] = []
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self._selector = _Timeless(self)
        # A timer is due when the clock is as near to it as floats can say.
        self._clock_resolution = 1e-6
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self.now_s

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        context = context or copy_context()
        process = context.get(_PROCESS)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        handles: list[asyncio.Handle] = []
        handles.append(
            super().call_soon(process.run, handles, callback, *args, context=context)
        )
        return handles[0]

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = context or copy_context()
        process = context.get(_PROCESS)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        handles: list[asyncio.Handle] = []
        handle = super().call_at(
            when, process.run, handles, callback, *args, context=context
        )
        handles.append(handle)
        return handle

    def end(self) -> None:
        """Let every task come to an end, also of what was killed."""
        for process in self.processes:
            process.alive = True
            process.resume()
        for _ in range(3):
            pending = [task for task in self.tasks if not task.done()]
            for task in pending:
                task.cancel()
            if pending:
                self.run_until_complete(asyncio.wait(pending, timeout=60))
        assert all(task.done() for task in self.tasks)
        self.close()

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **options)
        self.tasks[task] = None
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.tasks.pop(task, None)

    # ---------------------------------------------------- what the base loop calls

    def _process_events(self, events: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody is ever asleep."""

    def run_in_executor(self, *_: object) -> Any:
        raise RuntimeError("a simulation has no threads")
