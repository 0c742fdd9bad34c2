"""The hub between processes that measure and pages that run files; one event loop, so nothing is locked.

A page is there as long as it keeps a request open. Nobody watches the clock: those who wait look once a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from edgesmith.core.config import to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.units import format_duration
from edgesmith.devices.agent.protocol import Problem, RefusedError
from edgesmith.devices.browser.protocol import (
    MAX_FILE_BYTES,
    MAX_FILES_BYTES,
    About,
    Envelope,
    Request,
    State,
)
from edgesmith.devices.browser.results import check_result
from edgesmith.web.phone_files import Passage
from edgesmith.web.phone_state import Job, Page, Patience

Gone = Callable[[], Awaitable[bool]]

_MOST_PAGES: Final = 16


class Hub:
    """Pages, their jobs, and the files on their way.

    Args:
        patience: How long it waits for others.
        now_s: Seconds that only grow.
    """

    def __init__(self, patience: Patience | None = None, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience or Patience()
        self._now_s = now_s
        self._pages: dict[str, Page] = {}
        self._jobs: dict[str, tuple[Page, Job]] = {}
        self._closed = False
        self.files = Passage(max_file_bytes=MAX_FILE_BYTES, max_total_bytes=MAX_FILES_BYTES)

    def pages(self) -> list[Page]:
        """The pages that are there, by name."""
        for page in list(self._pages.values()):
            self._look_at(page)
        return sorted(self._pages.values(), key=lambda page: page.about.name)

    def register(self, about: About, key: str) -> str:
        """Let a page in; the page of the same browser and name that was there before goes.

        Returns:
            Its secret.

        Raises:
            RefusedError: Another browser has this name, or there are too many.
        """
        for other in self.pages():
            if other.about.name == about.name and other.key != key:
                raise RefusedError(Problem.BUSY, f"another browser is called {about.name!r}; choose another name")
            if other.about.name == about.name:
                self._remove(other, "its page was loaded anew; leave it alone while it works")
        if len(self._pages) >= _MOST_PAGES:
            raise RefusedError(Problem.BUSY, f"{_MOST_PAGES} browsers are connected; close one")
        page = Page(about=about, key=key, seen_s=self._now_s())
        self._pages[page.secret] = page
        return page.secret

    async def wait(self, secret: str, state: State, gone: Gone) -> dict[str, Any]:
        """What a page should begin or stop; nothing if that does not change for a while.

        Args:
            secret: Of the page.
            state: What it does, and whether it can be seen.
            gone: Whether it has closed its request.

        Raises:
            RefusedError: There is no such page.
        """
        page = self._find(secret)
        page.hidden_since_s = (page.hidden_since_s or self._now_s()) if state.hidden else None
        page.waiting += 1
        try:
            until = self._now_s() + self._patience.poll_s
            while True:
                page.changed.clear()
                self._look_at(page)
                news = self._news(page, state)
                if news or self._now_s() >= until or self._closed or self._pages.get(secret) is not page:
                    return news
                await _either(page.changed, self._patience.look_s)
                if await gone():
                    return {}
        finally:
            page.waiting -= 1
            page.seen_s = self._now_s()

    def file_for(self, secret: str, sha256: str) -> bytes:
        """A file of the page's own job.

        Raises:
            RefusedError: It belongs to no job of this page.
        """
        task = self._find(secret).task
        if task is None or sha256 not in {content.sha256 for content in task.request.contents}:
            raise RefusedError(Problem.UNKNOWN, "this page has no job with that file")
        return self.files.get(sha256)

    def finish(self, secret: str, name: str, data: bytes) -> None:
        """Take the result of a page's job.

        Raises:
            RefusedError: It is not its job, or what it sent is no result; the job has failed then.
        """
        page = self._find(secret)
        task = page.task
        if task is None or task.name != name:
            raise RefusedError(Problem.UNKNOWN, "this page has no such job any more")
        try:
            check_result(Envelope.unpack(data), task.request)
        except UsageError as error:
            refusal = RefusedError(Problem.REQUEST, f"browser {page.about.name!r} sent no result: {error}")
            self._fail(task, refusal)
            raise refusal from None
        task.result = data
        task.changed.set()

    def leave(self, secret: str) -> None:
        """A page is being closed."""
        page = self._pages.get(secret)
        if page is not None:
            self._remove(page, "its page was closed")

    def submit(self, browser: str, request: Request) -> dict[str, Any]:
        """Give a browser a job.

        Returns:
            ``{"job": NAME}``, or ``{"missing": [..]}`` with the digests of files that must be sent first.

        Raises:
            RefusedError: There is no such browser, it is at work, or the files are too large.
        """
        pages = {page.about.name: page for page in self.pages()}
        if browser not in pages:
            names = ", ".join(pages) or "none"
            raise RefusedError(Problem.DEVICE, f"browser {browser!r} is not connected any more (connected: {names})")
        page = pages[browser]
        if (task := page.task) is not None:
            took = format_duration(self._now_s() - task.begun_s)
            raise RefusedError(
                Problem.BUSY,
                f"browser {browser!r} is busy {task.request.about} for {task.request.client or 'another'} "
                f"since {took}; try again when that is done",
            )
        missing = self.files.missing(request.contents)
        if missing:
            return {"missing": list(missing)}
        self._forget_jobs()
        page.job = Job(request=request, begun_s=self._now_s(), seen_s=self._now_s())
        self._jobs[page.job.name] = (page, page.job)
        page.changed.set()
        return {"job": page.job.name}

    async def wait_for(self, name: str, gone: Gone) -> bool:
        """Whether a job is done, after a while at most.

        Raises:
            RefusedError: There is no such job, or it has failed.
        """
        page, job = self._job(name)
        job.waiting += 1
        try:
            until = self._now_s() + self._patience.poll_s
            while True:
                job.changed.clear()
                self._look_at(page)
                if job.failure is not None:
                    raise job.failure
                if self._closed:
                    raise RefusedError(Problem.STOPPED, "edgesmith web was stopped")
                if job.result is not None or self._now_s() >= until or await gone():
                    return job.result is not None
                await _either(job.changed, self._patience.look_s)
        finally:
            job.waiting -= 1
            job.seen_s = self._now_s()

    def result(self, name: str) -> bytes:
        """The result of a job; it is told once.

        Raises:
            RefusedError: There is none.
        """
        _, job = self._job(name)
        if job.result is None:
            raise RefusedError(Problem.UNKNOWN, "this job has no result")
        del self._jobs[name]
        return job.result

    def cancel(self, name: str) -> None:
        """Stop a job that nobody wants any more."""
        page, job = self._job(name)
        if not job.is_over:
            self._fail(job, RefusedError(Problem.STOPPED, "the job was stopped by its process"))
        page.changed.set()

    def close(self) -> None:
        """Let all who wait go at their next look; a signal's handler may call it."""
        self._closed = True

    def _news(self, page: Page, state: State) -> dict[str, Any]:
        task = page.task
        if page.job is not None and page.job.name == state.job and page.job.result is not None:
            return {}  # it is just sending what has come already
        if state.job and (task is None or task.name != state.job):
            return {"stop": state.job}
        if task is not None and state.job != task.name:
            return {"job": {"name": task.name, **to_dict(task.request)}}
        return {}

    def _look_at(self, page: Page) -> None:
        """Draw the consequences of time."""
        now, patience, task, name = self._now_s(), self._patience, page.task, page.about.name
        if not page.waiting and now - page.seen_s > patience.page_s:
            self._remove(page, "its page was closed, the phone is asleep, or the network is gone")
            return
        if task is None:
            return
        if page.hidden_since_s is not None and now - page.hidden_since_s > patience.hidden_s:
            since = format_duration(now - page.hidden_since_s)
            self._fail(
                task,
                _lost(name, f"its page has been hidden for {since}; bring it to the front and keep the screen on"),
            )
        elif now - task.begun_s > patience.job_s:
            self._fail(task, _lost(name, f"the job took longer than {format_duration(patience.job_s)}"))
        elif not task.waiting and now - task.seen_s > patience.client_s:
            self._fail(task, RefusedError(Problem.STOPPED, "the job's process was not heard of"))

    def _forget_jobs(self) -> None:
        """Drop what nobody has asked for in a while."""
        before = self._now_s() - self._patience.client_s
        self._jobs = {
            name: (page, job)
            for name, (page, job) in self._jobs.items()
            if not job.is_over or job.waiting or job.seen_s > before
        }

    def _remove(self, page: Page, why: str) -> None:
        self._pages.pop(page.secret, None)
        if (task := page.task) is not None:
            self._fail(task, _lost(page.about.name, f"{why}; open it again and repeat the command"))
        page.changed.set()

    def _fail(self, job: Job, failure: RefusedError) -> None:
        job.failure = failure
        job.changed.set()

    def _find(self, secret: str) -> Page:
        if secret not in self._pages:
            raise RefusedError(Problem.UNKNOWN, "this page is not registered any more")
        return self._pages[secret]

    def _job(self, name: str) -> tuple[Page, Job]:
        if name not in self._jobs:
            raise RefusedError(Problem.UNKNOWN, "the hub knows nothing of this job any more; was it started anew?")
        return self._jobs[name]


def _lost(browser: str, why: str) -> RefusedError:
    return RefusedError(Problem.DEVICE, f"browser {browser!r} did not finish: {why}")


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, or for some time."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
