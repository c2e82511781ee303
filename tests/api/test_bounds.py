"""What waits is bounded: beyond it the answer is 429 with Retry-After, nothing was done, and afterwards it goes on."""

import asyncio

import httpx
import msgspec
import pytest

from api.app import create_app
from api.openapi import built
from api.problems import ProblemBody, TooMany
from api.settings import Limits, Settings, SettingsInvalid, read_settings
from cas.problems import Category
from tests.api.doors import Doors

JSON = {"Content-Type": "application/json"}
OCTETS = {"Content-Type": "application/octet-stream"}
MEBIBYTE = 1 << 20


def doors(**settings):
    """A founded instance with tight bounds."""
    return Doors(settings=Settings(home="/nonexistent/home", **settings))


def over(app):
    """A client that may ask several things at the same time."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stella")


def refused(answer):
    """It is a 429 problem document that says when to come again."""
    assert answer.status_code == 429, answer.text
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
    body = msgspec.json.decode(answer.content, type=ProblemBody)
    assert (body.code, body.category) == ("api.too_many", "unavailable")
    return dict(body.fields)["what"]


class Held:
    """A body that stays open after its first bytes, until it is let go."""

    def __init__(self, first):
        self.first = first
        self.begun = asyncio.Event()
        self.free = asyncio.Event()

    async def __aiter__(self):
        yield self.first
        self.begun.set()
        await self.free.wait()
        yield b"}"


async def beside(app, path, headers, first, ask):
    """Ask while another request's body is on its way; give both answers, and one asked after that."""
    held = Held(first)
    async with over(app) as http:
        other = asyncio.create_task(http.post(path, content=held, headers=headers))
        try:
            await asyncio.wait_for(held.begun.wait(), 10)
            meanwhile = await ask(http)
        finally:
            held.free.set()
        return meanwhile, await other, await ask(http)


def test_a_large_body_too_many_is_told_to_come_again_and_then_may():
    one = doors(large_waiting=1)
    headers = {**one.token("evidence:write"), **OCTETS}
    body = b" " * (MEBIBYTE + 10)

    async def ask(http):
        return await http.post("/api/v1/evidence", content=body, headers=headers)

    meanwhile, other, after = asyncio.run(beside(create_app(one.instance), "/api/v1/evidence", headers, body, ask))
    assert refused(meanwhile) == "large bodies"
    assert (other.status_code, after.status_code) == (400, 400), "both were read, and are no documents"
    small = doors(large_waiting=1)
    few = small.token("evidence:write") | OCTETS
    tiny = asyncio.run(
        beside(create_app(small.instance), "/api/v1/evidence", few, b"{", lambda http: ask_small(http, few))
    )
    assert [answer.status_code for answer in tiny] == [400] * 3, "small ones need no place"


async def ask_small(http, headers):
    """Send something small."""
    return await http.post("/api/v1/evidence", content=b"{", headers=headers)


def test_json_bodies_in_memory_are_bounded_by_what_they_say():
    one = doors(limits=Limits(bodies=4 * MEBIBYTE))
    headers = {**one.token("policy:write"), **JSON}

    async def ask(http):
        return await http.post("/api/v1/policies", content=b"{}", headers=headers)

    meanwhile, other, after = asyncio.run(beside(create_app(one.instance), "/api/v1/policies", headers, b'{"x":1', ask))
    assert refused(meanwhile) == "bytes of request bodies", "the other says no length: all it may take is held for it"
    assert (other.status_code, after.status_code) == (400, 400)


def test_requests_too_many_are_told_to_come_again():
    one = doors(requests=1)
    headers = {**one.token("policy:write"), **JSON}

    async def ask(http):
        return await http.get("/api/v1/health")

    meanwhile, _, after = asyncio.run(beside(create_app(one.instance), "/api/v1/policies", headers, b"{", ask))
    assert refused(meanwhile) == "requests"
    assert after.status_code == 200


def test_it_is_worth_a_retry_and_documented_with_its_header():
    assert TooMany.category is Category.UNAVAILABLE
    responses = built()["components"]["responses"]
    assert all("Retry-After" in responses[name]["headers"] for name in ("Problem429", "Problem503"))
    assert all("headers" not in one for name, one in responses.items() if name not in {"Problem429", "Problem503"})


@pytest.mark.parametrize("text", ["large_waiting = 0", "requests = 0", "[limits]\nbodies = 10"])
def test_bounds_that_let_nothing_through_are_refused(tmp_path, text):
    folder = tmp_path / ".stella" / "profiles"
    folder.mkdir(parents=True)
    (folder / "default.toml").write_text(text)
    with pytest.raises(SettingsInvalid):
        read_settings(environ={"HOME": str(tmp_path)})
