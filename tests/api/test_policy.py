"""If these fail, a school's administrator changes nothing, or something else."""

from chatd_protocol.chat.base import Id
from tests.api.conftest import Api

POLICY = "/v1/tenants/school/policy"


async def test_the_rules_are_read_changed_and_put_back(api: Api) -> None:
    """A school could not have its own rules, or not be rid of them."""
    before = (await api.ask("GET", POLICY)).json()
    assert before["preset"] == "itslearning"
    changed = await api.ask("PUT", POLICY, json={"policy": {"editWindowS": 60}})
    assert changed.status_code == 200
    assert changed.json()["changed"] == ["editWindowS"]
    assert (await api.ask("GET", POLICY)).json() == changed.json()
    same = await api.ask("PUT", POLICY, json={"policy": before["policy"]})
    assert same.json() == before
    other = await api.ask("PUT", POLICY, json={"preset": "tutoring"})
    assert other.json()["policy"]["kinds"] == ["direct"]


async def test_nonsense_is_named(api: Api) -> None:
    """An administrator would search a long page for a misspelt key."""
    answer = await api.ask("PUT", POLICY, json={"policy": {"blok": {}}})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"] == [
        {"pointer": "/policy/blok", "code": "unknown_field"}
    ]


async def test_nobody_else_changes_them(api: Api) -> None:
    """A pupil would write the rules of the school."""
    await api.house.people("sue")
    for answer in (
        await api.ask("PUT", POLICY, "sue", json={"policy": {}}),
        await api.http.put(
            POLICY, headers=api.headers("lms", "directory"), json={"policy": {}}
        ),
    ):
        assert answer.status_code == 403


async def test_a_platform_asks_for_its_people(api: Api) -> None:
    """A page of the platform would show a link that leads nowhere (ISP-21, ISP-22)."""
    await api.house.people("anna", role="teacher")
    await api.house.people("sue", "tom")
    await api.house.course("math", anna="teacher", sue="student")
    acting = {**api.headers("lms", "messages"), "Chatd-Act-As": "sue"}

    async def ask(user_id: Id) -> dict:
        question = {"action": "initiate", "userId": user_id}
        answer = await api.http.post("/v1/policy/check", headers=acting, json=question)
        found: dict = answer.json()
        return found

    assert await ask("anna") == {"allowed": True, "rule": "taught"}
    refusal = {"allowed": False, "rule": "initiate", "code": "no_relationship"}
    assert await ask("tom") == refusal
    assert await ask("nobody") == refusal
