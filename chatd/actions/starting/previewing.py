"""What would begin with these recipients, before anything does (ITS-44 … 50)."""

from chatd.actions.basis.context import Context
from chatd.actions.members import judged
from chatd.actions.starting.meant import KIND_OF, Meant, meant
from chatd.domain.conversations import Kind
from chatd.domain.people import Caller
from chatd.domain.verdicts import decide
from chatd.limits import Limits
from chatd.store.transaction import Transaction
from chatd_protocol.chat.requests import PreviewRecipients, StartMode
from chatd_protocol.chat.results import RecipientsPreview, RefusedRecipient


async def preview(
    context: Context, caller: Caller, request: PreviewRecipients
) -> RecipientsPreview:
    """How many different people are meant, and which choice there is.

    Raises:
        Refused: as starting does for what cannot be named here.
    """
    return await context.store.read(_preview, caller, request, context.limits)


async def _preview(
    tx: Transaction, caller: Caller, request: PreviewRecipients, limits: Limits
) -> RecipientsPreview:
    wanted = await meant(tx, caller, request.recipients, limits)
    most = wanted.policy.recipients_max
    whole = wanted.roster is not None
    kind = _kind(wanted)
    # Of too many nobody is judged: it is refused as it stands, and has no bound.
    many = most is not None and len(wanted.people) > most
    people = [] if whole or many else list(wanted.people)
    verdicts = await judged(tx, caller, people, kind=kind)
    code = None
    # Known to be too many before anybody is counted (ITS-49); a union that is too large
    # is refused when it is sent to (ITS-50).
    if not whole and most is not None and any(size > most for size in wanted.sizes):
        code = "too_many_recipients"
    return RecipientsPreview(
        count=len(wanted.people),
        kind=kind,
        modes=() if code else _modes(wanted),
        max=most,
        code=code,
        refused=tuple(
            RefusedRecipient(user_id=id_, code=one.code)
            for id_, one in verdicts.items()
            if not one.allowed and not one.silent
        ),
    )


def _kind(wanted: Meant) -> Kind:
    if wanted.oneself:
        return "self"
    if wanted.roster is not None:
        return KIND_OF[wanted.roster.kind]
    return "direct" if wanted.alone is not None else "group"


def _modes(wanted: Meant) -> tuple[StartMode, ...]:
    """The choices that are offered; one alone is none (ITS-45, ITS-48)."""
    if wanted.oneself or (wanted.alone is not None and wanted.roster is None):
        return ()
    offered: list[StartMode] = []
    most = wanted.policy.recipients_max
    small = most is None or len(wanted.people) <= most
    by_hand = wanted.roster is None
    if not by_hand or "group" in wanted.policy.kinds:
        offered.append("group")
    # Of a union that is too large the choice is still offered (ITS-50).
    if (small or by_hand) and decide("start", wanted.case("direct", 1)).allowed:
        offered.append("individual")
    return tuple(offered) if len(offered) > 1 else ()
