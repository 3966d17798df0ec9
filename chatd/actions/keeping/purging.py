"""What the policy keeps no longer is purged, behind, by one process at a time.

In batches with a pause between them, so that nobody who writes waits for long. Clients
are told of each message that goes, as of any removal, and drop it.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from chatd import metrics
from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import policy_of
from chatd.domain.policy import Policy
from chatd.errors import Refused
from chatd.ids import new_id
from chatd.store import tenants
from chatd.store.change import Change, Moved, Write
from chatd.store.keeping import lapsing, vault
from chatd.store.keeping.lapsing import Claim, SetPurged
from chatd.store.keeping.vault import EmptyVault
from chatd.store.messages import RemoveMessage
from chatd.store.saying.held import DropHeld
from chatd.telemetry import log, spawn
from chatd_protocol.chat.objects import WITHOUT_TRACE

DAY_MS: Final = 86_400_000

EVERY_S: Final = 3600.0
"""Retention is said in days: an hour more is little."""

AT_ONCE: Final = 20
"""Messages of one transaction, for which others wait (`./dev bench purge` says how
long: tens of milliseconds)."""

PAUSE_S: Final = 0.05
"""Between two of them, so that others have the writer for about half of the time."""

LEASE_MS: Final = 60_000
"""After this long another process goes on with what a dead one has begun."""

WORK: Final = "purge"


@dataclass(slots=True)
class Purged:
    """How much went for good."""

    messages: int = 0
    kept: int = 0


class Purger:
    """One of these runs in every process; the database says whose turn it is."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._claim = Claim(WORK, new_id(), LEASE_MS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._done_s = context.clock.monotonic()

    def start(self) -> None:
        """Begin; needs a running loop."""
        metrics.RETENTION_LAG_SECONDS.set_function(self._lag_s)
        spawn(self._tasks, self._run(), "purger")

    async def stop(self) -> None:
        """Stop; what was not done is done after the next start."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    async def purge(self) -> Purged:
        """Purge whatever is due, of every tenant that is not another process's."""
        done = Purged()
        for tenant in await self._context.store.read(tenants.every):
            try:
                await self._of_tenant(tenant, done)
            except Moved:
                # Another process has it, or there is a hold since: the next time.
                continue
        if done != Purged():
            log.info("purged", messages=done.messages, kept=done.kept)
        self._done_s = self._context.clock.monotonic()
        return done

    def _lag_s(self) -> float:
        return self._context.clock.monotonic() - self._done_s

    async def _of_tenant(self, tenant: str, done: Purged) -> None:
        policy = await self._context.store.read(policy_of, tenant)
        for kind, days in policy.retain_days.items():
            if days:
                before_ms = self._context.clock.now_ms() - days * DAY_MS
                await self._of_kind(tenant, kind, before_ms, policy, done)
        await self._vault(tenant, policy, done)

    async def _of_kind(
        self, tenant: str, kind: str, before_ms: int, policy: Policy, done: Purged
    ) -> None:
        while waiting := await self._context.store.read(
            lapsing.due_waiting, tenant, kind, before_ms, AT_ONCE
        ):
            drops = (DropHeld(*one, files=True, lapsed=True) for one in waiting)
            await self._commit(tenant, *drops)
            done.messages += len(waiting)
        after = ""
        while ids := await self._context.store.read(
            lapsing.due_conversations, tenant, kind, before_ms, after, AT_ONCE
        ):
            for conversation_id in ids:
                here = (tenant, conversation_id, before_ms)
                while due := await self._context.store.read(
                    lapsing.due_messages, *here, AT_ONCE
                ):
                    await self._commit(
                        tenant, *(_removal(id_, conversation_id, policy) for id_ in due)
                    )
                    done.messages += len(due)
                end = await self._context.store.read(lapsing.purged_until, *here)
                await self._commit(tenant, SetPurged(conversation_id, end))
            after = ids[-1]

    async def _vault(self, tenant: str, policy: Policy, done: Purged) -> None:
        days = policy.retain_removed_days
        now_ms = self._context.clock.now_ms()
        before_ms = now_ms - days * DAY_MS if days else now_ms + 1
        while due := await self._context.store.read(
            vault.due, tenant, before_ms=before_ms, limit=AT_ONCE
        ):
            await self._commit(tenant, EmptyVault(due))
            done.kept += len(due)

    async def _commit(self, tenant: str, *writes: Write) -> None:
        now_ms = self._context.clock.now_ms()
        change = Change(tenant, now_ms, (self._claim, *writes))
        await self._context.store.commit(change)
        await asyncio.sleep(PAUSE_S)

    async def _run(self) -> None:
        while True:
            try:
                await self.purge()
            except Refused as refused:
                log.warning("purging failed", code=refused.code)
            except Exception:  # noqa: BLE001 - a bug of ours must not end all purging
                log.exception("purging failed")
            await asyncio.sleep(EVERY_S)


def _removal(id_: str, conversation_id: str, policy: Policy) -> RemoveMessage:
    return RemoveMessage(
        id_,
        conversation_id,
        None,
        None,
        WITHOUT_TRACE,
        history=policy.history_for_new_members,
        for_good=True,
    )
