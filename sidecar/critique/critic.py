"""Asks a model to review a change: part by part, the riskiest first, within its limits; and keeps what it said."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import uuid4

import orjson

from sidecar.core.critique import Critique, Hear, Unread, Wish, restored
from sidecar.core.diff import Change
from sidecar.core.errors import SidecarError, UpstreamError, refuses_tools
from sidecar.core.messages import Json, MessagesRequest, encode
from sidecar.core.ports import Asker
from sidecar.core.review import RiskReport
from sidecar.core.turn import Turn
from sidecar.critique.answer import Answer, Unusable, read
from sidecar.critique.material import Material, Texts, prepare, shown_part
from sidecar.critique.place import place
from sidecar.critique.prompt import VERSION, body, gathering, question
from sidecar.critique.summary import describe
from sidecar.store.answers import AnswerStore
from sidecar.trace import get_logger

log = get_logger("review")

_AT_ONCE: Final = 3
"""Parts that are asked about at the same time, once the first one is answered."""


class Critic:
    """One way to a model. `who` tells who answers (no secret in it), `kept` is where reviews are kept by the diff's hash."""

    def __init__(
        self,
        ask: Asker,
        *,
        model: str = "",
        who: str = "",
        workspace: str = "",
        kept: AnswerStore | None = None,
        secrets: Collection[str] = (),
    ) -> None:
        self._ask = ask
        self._model = model or "claude-sonnet-4-5"
        self._who = who
        self._workspace = workspace
        self._kept = kept
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 8)
        self._toolless: set[str] = set()

    async def review(self, change: Change, report: RiskReport, texts: Texts, wish: Wish, hear: Hear) -> Critique:
        """The review. Raises UpstreamError where nothing at all could be had of the model.

        What was not read is named in it. A kept one is given without asking.
        """
        wish = replace(wish, model=wish.model or self._model)
        key = await asyncio.to_thread(_key, change, self._who, wish)
        if (found := await self.recall(key, wish)) is not None:
            with suppress(KeyError, TypeError, ValueError):
                return restored(found)
        material = await asyncio.to_thread(prepare, change, report, texts, wish.limits, self._secrets)
        run = _Run(self, material, describe(change, report), wish, hear)
        critique = replace(await run.whole(), provider=self._ask.name, model=wish.model)
        if run.whole_and_sound:
            await self.keep(key, critique.kept())
        return critique

    def key_of(self, part: str, wish: Wish) -> str:
        """What the answer to one part is kept by, so that a review that broke off goes on where it was."""
        told = repr([VERSION, self._who, wish.model, wish.focus, part])
        return "part-" + hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    async def recall(self, key: str, wish: Wish) -> Json | None:
        """What is kept by this key; None where nothing is, or it is to be asked for anew."""
        found = await self._kept.get(key) if self._kept is not None and not wish.refresh else None
        value = orjson.loads(found) if found is not None else None
        return value if isinstance(value, dict) else None

    async def keep(self, key: str, value: Json) -> None:
        """Keep it for the next time."""
        if self._kept is not None:
            await self._kept.put(key, orjson.dumps(value))

    async def put(self, content: list[Json], wish: Wish, *, problem: str = "") -> Json:
        """The model's message for one question. Raises UpstreamError."""
        forced = wish.model not in self._toolless
        try:
            return await self._asked(body(wish.model, content, forced=forced, problem=problem), wish)
        except UpstreamError as error:
            if not (forced and refuses_tools(error)):
                raise
            log.info("review_without_tools", reason=error.sentence)
            self._toolless.add(wish.model)
        return await self._asked(body(wish.model, content, forced=False, problem=problem), wish)

    async def _asked(self, told: Json, wish: Wish) -> Json:
        request = MessagesRequest.parse(encode(told))
        turn = Turn(id=f"review_{uuid4().hex}", workspace=self._workspace)
        seconds = wish.limits.patience
        try:
            async with asyncio.timeout(seconds), await self._ask.answer(request, turn) as reply:
                return (await reply.message()).body
        except TimeoutError:
            raise UpstreamError(f"{self._ask.name} did not answer within {seconds:g} seconds.", status=504) from None


class _Run:
    """One review on its way."""

    def __init__(self, critic: Critic, material: Material, overview: str, wish: Wish, hear: Hear) -> None:
        self._critic = critic
        self._material = material
        self._overview = overview
        self._wish = wish
        self._hear = hear
        self._answers: dict[int, Answer] = {}
        self._failed: dict[int, SidecarError] = {}
        self._requests = 0
        self._done = 0
        self.whole_and_sound = False

    async def whole(self) -> Critique:
        """All parts, put together."""
        count = len(self._material.parts)
        if not count:
            return self._merged("", ())
        self._hear(0, count, "asking the model")
        seconds = self._wish.limits.seconds
        try:
            async with asyncio.timeout(seconds):
                await self._parts(count)
                summary, checklist = await self._gathered()
        except TimeoutError:
            summary, checklist = self._joined()
            over = UpstreamError(f"the time limit of {seconds:g} seconds was over", status=504)
            self._failed |= {n: self._failed.get(n, over) for n in range(count) if n not in self._answers}
        if not self._answers:
            raise next(iter(self._failed.values()))
        self.whole_and_sound = not self._failed
        return await asyncio.to_thread(self._merged, summary, checklist)

    async def _parts(self, count: int) -> None:
        # What all parts share is kept at the provider with the first one; the others begin when it is there.
        await self._part(0, count)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                await self._part(number, count)

        async with asyncio.TaskGroup() as group:
            for number in range(1, count):
                group.create_task(one(number))

    async def _part(self, number: int, count: int) -> None:
        text = shown_part(self._material.parts[number])
        content = question(self._overview, text, number + 1, count, focus=self._wish.focus)
        try:
            self._answers[number] = await self._answer(content, self._critic.key_of(text, self._wish))
        except SidecarError as error:
            self._failed[number] = error
            if number == 0 and not error.again:  # such as a key that is not valid: the others would fare no better
                raise
        self._done += 1
        self._hear(self._done, count, f"{self._done} of {count} parts read")

    async def _answer(self, content: list[Json], key: str) -> Answer:
        """What is said of one part; an answer that cannot be used is asked for once more."""
        problem = ""
        if (kept := await self._critic.recall(key, self._wish)) is not None:
            with suppress(Unusable):
                return read(kept)
        for _ in range(2):
            self._requests += 1
            message = await self._critic.put(content, self._wish, problem=problem)
            try:
                answer = read(message)
            except Unusable as error:
                problem = str(error)
                log.info("review_unusable", reason=problem)
            else:
                await self._critic.keep(key, message)
                return answer
        raise _Junk(f"The model's answer could not be used, nor could a second one: {problem}")

    async def _gathered(self) -> tuple[str, Sequence[str]]:
        """One summary and one checklist; those of the parts in a row where they cannot be made one."""
        summary, checklist = self._joined()
        if len(self._answers) < 2:
            return summary, checklist
        self._hear(self._done, len(self._material.parts), "putting the parts together")
        told = [answer.summary for _, answer in sorted(self._answers.items()) if answer.summary]
        try:
            self._requests += 1
            answer = read(await self._critic.put(gathering(told, checklist), self._wish))
        except (SidecarError, Unusable) as error:
            log.info("summaries_not_joined", reason=str(error))
            return summary, checklist
        return answer.summary or summary, answer.checklist or checklist

    def _joined(self) -> tuple[str, Sequence[str]]:
        answers = [answer for _, answer in sorted(self._answers.items())]
        checklist = dict.fromkeys(line for answer in answers for line in answer.checklist)
        return "\n\n".join(answer.summary for answer in answers if answer.summary), tuple(checklist)

    def _merged(self, summary: str, checklist: Sequence[str]) -> Critique:
        answers = [answer for _, answer in sorted(self._answers.items())]
        remarks, dropped = place([claim for answer in answers for claim in answer.claims], self._material.rows)
        files: dict[str, str] = {}
        for path, note in (each for answer in answers for each in answer.files):
            if path in self._material.rows and note:
                files[path] = f"{files[path]} {note}" if path in files else note
        unread = [
            Unread(piece.place, error.sentence.rstrip("."))
            for number, error in sorted(self._failed.items())
            for piece in self._material.parts[number]
        ]
        odd = sum(answer.odd for answer in answers)
        notes = [f"{odd} of the model's comments had no form that could be read."] if odd else []
        return Critique(
            "model",
            summary,
            files=files,
            checklist=tuple(checklist),
            remarks=tuple(remarks),
            dropped=tuple(dropped),
            unread=(*unread, *self._material.unread),
            notes=(*self._material.notes, *notes),
            parts=len(self._material.parts),
            requests=self._requests,
        )


class _Junk(UpstreamError):
    """The model answered, twice, what cannot be used."""


def _key(change: Change, who: str, wish: Wish) -> str:
    """The hash of what decides about a review: the diff, who is asked, and how."""
    files = [
        [file.path, file.old_path, file.status, file.reason, [[h.old_start, h.new_start, h.removed, h.added] for h in file.hunks]]
        for file in change.files
    ]  # fmt: skip
    limits = wish.limits
    told = [VERSION, who, wish.model, wish.focus, limits.tokens, limits.part_tokens, change.message, files]
    return "review-" + hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()
