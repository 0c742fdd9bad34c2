"""The hub under a clock of the test's own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from edgesmith.core.config import from_dict
from edgesmith.core.units import format_bytes
from edgesmith.devices.agent.protocol import Content, Problem, RefusedError, Work
from edgesmith.devices.browser.protocol import MAX_FILES_BYTES, About, Envelope, Request, State
from edgesmith.devices.plan import Plan
from edgesmith.web.phone_files import Passage
from edgesmith.web.phone_hub import Hub
from edgesmith.web.phone_state import Patience
from tests.web.fake_page import ABOUT

DATA = b"a file"
FILE = Content(sha256=hashlib.sha256(DATA).hexdigest(), bytes=len(DATA))
REQUEST = Request(work=Work.TIME, models=(FILE,), threads=1, backend="wasm", plan=Plan(), client="desk-7")
PATIENCE = Patience(poll_s=10, look_s=0.001, page_s=5, hidden_s=20, client_s=30, job_s=1800)


class Clock:
    """Seconds that pass when the test says so, and a little at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def about(name: str = "pixel") -> About:
    return from_dict(About, {**ABOUT, "name": name})


async def never() -> bool:
    return False


async def always() -> bool:
    return True


def with_hub(body: Callable[[Hub, Clock], Coroutine[Any, Any, None]], patience: Patience = PATIENCE) -> None:
    clock = Clock()

    async def go() -> None:
        hub = Hub(patience, now_s=clock)
        hub.files.put(FILE.sha256, DATA)
        await body(hub, clock)

    asyncio.run(go())


async def open_page(hub: Hub, secret: str, state: State) -> asyncio.Task[dict[str, Any]]:
    """A page's request that waits."""
    task = asyncio.create_task(hub.wait(secret, state, never))
    await asyncio.sleep(0)
    return task


def test_a_job_finds_a_page_that_waits() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        secret = hub.register(about(), "key")
        waiting = await open_page(hub, secret, State())
        job = hub.submit("pixel", REQUEST)["job"]
        news = await waiting
        assert (news["job"]["name"], news["job"]["models"]) == (job, [{"sha256": FILE.sha256, "bytes": FILE.bytes}])
        result = Envelope(head={"error": "no kernel"}).pack()
        asker = asyncio.create_task(hub.wait_for(job, never))
        await asyncio.sleep(0)
        hub.finish(secret, job, result)
        assert await asker
        assert hub.result(job) == result
        with pytest.raises(RefusedError, match="knows nothing of this job"):
            hub.result(job)

    with_hub(body)


@pytest.mark.parametrize(
    ("seconds", "hidden", "message"),
    [
        (19, True, None),
        (21, True, "hidden for .* bring it to the front"),
        (1799, False, None),
        (1801, False, "took longer than 30 min"),
    ],
)
def test_a_job_fails_when_its_page_is_hidden_or_takes_too_long(seconds: int, hidden: bool, message: str | None) -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        secret = hub.register(about(), "key")
        job = hub.submit("pixel", REQUEST)["job"]
        await open_page(hub, secret, State(hidden=hidden, job=job))
        asker = asyncio.create_task(hub.wait_for(job, never))
        await asyncio.sleep(0)
        clock.now += seconds
        if message is None:
            assert not await asker
        else:
            with pytest.raises(RefusedError, match=f"browser 'pixel' did not finish: .*{message}"):
                await asker

    with_hub(body, Patience(poll_s=5000, look_s=0.001) if message else PATIENCE)


@pytest.mark.parametrize(("seconds", "is_there"), [(4, True), (6, False)])
def test_a_page_without_an_open_request_is_gone_after_a_while(seconds: int, is_there: bool) -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        hub.register(about(), "key")
        job = hub.submit("pixel", REQUEST)["job"]
        clock.now += seconds
        assert bool(hub.pages()) == is_there
        if not is_there:
            with pytest.raises(RefusedError, match="the phone is asleep, or the network is gone"):
                await hub.wait_for(job, never)

    with_hub(body)


def test_a_request_that_the_page_gave_up_does_not_count() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        secret = hub.register(about(), "key")
        assert await hub.wait(secret, State(), always) == {}
        clock.now += 6
        assert hub.pages() == []

    with_hub(body)


def test_a_job_whose_process_is_gone_is_stopped_and_the_page_told() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        secret = hub.register(about(), "key")
        job = hub.submit("pixel", REQUEST)["job"]
        waiting = await open_page(hub, secret, State(job=job))
        clock.now += 31
        assert await waiting == {"stop": job}

    with_hub(body, Patience(poll_s=100, look_s=0.001))


def test_a_page_that_is_sending_its_result_is_not_told_to_stop() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        secret = hub.register(about(), "key")
        job = hub.submit("pixel", REQUEST)["job"]
        waiting = await open_page(hub, secret, State(job=job))
        hub.finish(secret, job, Envelope(head={"error": "no kernel"}).pack())
        clock.now += 11
        assert await waiting == {}
        later = await open_page(hub, secret, State(job=job))
        following = hub.submit("pixel", REQUEST)["job"]
        assert (await later)["stop"] == job
        news = await hub.wait(secret, State(), never)
        assert news["job"]["name"] == following

    with_hub(body)


def test_names_belong_to_one_browser_at_a_time() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        first = hub.register(about(), "key of one")
        with pytest.raises(RefusedError, match="another browser is called 'pixel'; choose another name"):
            hub.register(about(), "key of another")
        again = hub.register(about(), "key of one")
        assert again != first
        with pytest.raises(RefusedError, match="not registered any more"):
            await hub.wait(first, State(), never)
        clock.now += 6
        assert hub.register(about(), "key of another")

    with_hub(body)


def test_no_more_than_a_few_browsers() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        for number in range(16):
            hub.register(about(f"b{number}"), "key")
        with pytest.raises(RefusedError, match="16 browsers are connected"):
            hub.register(about("one-more"), "key")

    with_hub(body)


def test_one_job_at_a_time() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        hub.register(about(), "key")
        job = hub.submit("pixel", REQUEST)["job"]
        with pytest.raises(RefusedError, match="busy timing 1 file for desk-7 since") as caught:
            hub.submit("pixel", REQUEST)
        assert caught.value.problem is Problem.BUSY
        hub.cancel(job)
        assert "job" in hub.submit("pixel", REQUEST)

    with_hub(body)


def test_results_that_nobody_asks_for_are_forgotten() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        secret = hub.register(about(), "key")
        job = hub.submit("pixel", REQUEST)["job"]
        hub.finish(secret, job, Envelope(head={"error": "x"}).pack())
        clock.now += 31
        secret = hub.register(about(), "key")
        hub.submit("pixel", REQUEST)
        with pytest.raises(RefusedError, match="knows nothing of this job"):
            hub.result(job)

    with_hub(body)


def test_files_make_room_for_newer_ones() -> None:
    passage = Passage(max_file_bytes=6, max_total_bytes=10)
    digests = []
    for data in (b"aaaa", b"bbbb", b"cccc"):
        digests.append(hashlib.sha256(data).hexdigest())
        passage.put(digests[-1], data)
        passage.missing([Content(sha256=digests[0], bytes=4)])  # the first stays in use
    contents = [Content(sha256=each, bytes=4) for each in digests]
    assert passage.missing(contents[:1] + contents[2:]) == ()
    assert passage.missing(contents[1:2]) == (digests[1],)
    with pytest.raises(RefusedError, match="not here any more"):
        passage.get(digests[1])
    with pytest.raises(RefusedError, match="together"):
        passage.missing(contents)
    with pytest.raises(RefusedError, match="over the limit"):
        passage.put("a" * 64, b"1234567")


def test_a_job_of_too_many_bytes_says_so() -> None:
    async def body(hub: Hub, clock: Clock) -> None:
        hub.register(about(), "key")
        many = tuple(Content(sha256=f"{number:064x}", bytes=90_000_000) for number in range(4))
        with pytest.raises(RefusedError, match=f"360 MB together, over the limit of {format_bytes(MAX_FILES_BYTES)};"):
            hub.submit("pixel", Request(work=Work.TIME, models=many, threads=1, backend="wasm", plan=Plan()))

    with_hub(body)
