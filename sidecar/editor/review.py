"""The review as the editor sees it: core values become protocol values here, and lines counted from 1 count from 0."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from sidecar.core.errors import BadInput
from sidecar.core.ports import Desk, EndpointStatus, ReviewState
from sidecar.core.review import Author, Comment, Evidence, FileOutline, Scope, Thread, Viewed
from sidecar.core.suggestion import suggestion_of
from sidecar.editor import protocol
from sidecar.editor.places import Places

NAMES: Final[dict[Author, str]] = {"sidecar": "Sidecar", "user": "You", "model": "Model"}
NOTHING: Final = protocol.ThreadsChanged(revision=0, upserts=[], removes=[], full=True)


@dataclass(frozen=True, slots=True)
class Review:
    """A desk and where its files lie; answers the requests about threads."""

    desk: Desk
    places: Places

    async def look(self, params: protocol.ReviewParams) -> protocol.ReviewResult:
        """Look at the change again. Raises BadInput for a path outside the repository."""
        paths = None if params.paths is None else {self._inside(path) for path in params.paths}
        return result_of(await self.desk.refresh(paths))

    async def turn(self, wanted: protocol.ScopeItem) -> Review:
        """The review of another diff, which was looked at once. Raises BadInput for what is none; GitError."""
        desk = await self.desk.at(Scope(wanted.kind, wanted.ref))
        if desk is self.desk:
            return self
        await desk.refresh()
        return Review(desk, self.places)

    async def outline(self) -> protocol.OutlineItem:
        """The change by risk."""
        state, viewed = self.desk.state(), self.desk.viewed
        return protocol.OutlineItem(
            revision=state.revision,
            scope=scope_item(viewed),
            root=self.places.top,
            score=state.report.score if state.report else None,
            band=state.report.band if state.report else None,
            files=[self._file(file, viewed) for file in self.desk.outline()],
        )

    async def choices(self) -> protocol.ScopeChoices:
        """The diffs that can be reviewed. Raises GitError."""
        return protocol.ScopeChoices(scopes=[scope_item(viewed) for viewed in await self.desk.choices()])

    async def text(self, params: protocol.TextParams) -> protocol.TextItem:
        """A text on a side of the diff. Raises BadInput for another URI."""
        found = self.places.side(params.uri)
        if found is None:
            raise BadInput(f"{params.uri!r} is no text of this repository's revisions.")
        return protocol.TextItem(text=await self.desk.text(*found))

    def item(self, thread: Thread) -> protocol.ThreadItem:
        """A thread as the editor shows it."""
        return thread_item(thread, self.places, self.desk.viewed.new)

    async def reply(self, params: protocol.ReplyParams) -> protocol.ThreadItem:
        """The thread with the user's comment and the answer. Raises NotFound, BadInput."""
        return self.item(await self.desk.reply(params.id, params.body))

    async def set_state(self, params: protocol.SetStateParams) -> protocol.ThreadItem:
        """The thread in its new state. Raises NotFound."""
        return self.item(await self.desk.set_state(params.id, params.state))

    def changes(self, since: int) -> protocol.ThreadsChanged:
        """What changed after a revision; all there is for 0."""
        state = self.desk.state(since)
        return protocol.ThreadsChanged(
            revision=state.revision,
            upserts=[self.item(thread) for thread in state.threads],
            removes=list(state.removed),
            full=state.full,
        )

    def summary(self) -> protocol.ReviewResult:
        """Risk and open threads as they stand."""
        return result_of(self.desk.state())

    def _file(self, file: FileOutline, viewed: Viewed) -> protocol.FileItem:
        return protocol.FileItem(
            path=file.path,
            old_path=file.old_path,
            status=file.status,
            added=file.added,
            removed=file.removed,
            score=file.score,
            band=file.band,
            why=file.why,
            uri=self.places.uri(file.path),
            old_uri=self.places.revision(file.old_path or file.path, "none" if file.status == "added" else viewed.old),
            new_uri=self.places.revision(file.path, "none" if file.status == "deleted" else viewed.new),
            hunks=[
                protocol.HunkItem(
                    start_line=max(0, hunk.start - 1),
                    end_line=max(0, hunk.end - 1),
                    score=hunk.score,
                    band=hunk.band,
                    reason=hunk.reason,
                )
                for hunk in file.hunks
            ],
        )

    def _inside(self, path: str) -> str:
        inner = self.places.relative(path) if path.startswith("file:") else _relative(path)
        if inner is None:
            raise BadInput(
                f"The path {path!r} is not in this repository; name it relative to the repository's top folder."
            )
        return inner


def _relative(path: str) -> str | None:
    pure = PurePosixPath(path)
    outside = pure.is_absolute() or ".." in pure.parts or PureWindowsPath(path).drive or not pure.parts
    return None if outside or "\0" in path else pure.as_posix()


def result_of(state: ReviewState) -> protocol.ReviewResult:
    """A whole state in numbers."""
    return protocol.ReviewResult(
        revision=state.revision,
        score=state.report.score if state.report else None,
        band=state.report.band if state.report else None,
        open_threads=count_open(state.threads),
    )


def count_open(threads: Collection[Thread]) -> int:
    """How many threads are not resolved."""
    return sum(thread.state == "open" for thread in threads)


def scope_item(viewed: Viewed) -> protocol.ScopeItem:
    """What is reviewed, as the editor shows it."""
    return protocol.ScopeItem(kind=viewed.scope.kind, ref=viewed.scope.ref, title=viewed.title)


def thread_item(thread: Thread, places: Places, side: str = "") -> protocol.ThreadItem:
    """A thread as the editor shows it: URI for path, lines from 0. `side` is the text that it is about (see `Viewed`)."""
    anchor = thread.anchor
    start = max(0, anchor.start - 1)
    end = max(start, anchor.end - 1)
    own = protocol.PlaceItem(uri=places.revision(anchor.path, side), start_line=start, end_line=end)
    shown = own
    if side and thread.standing is not None:
        first, last = thread.standing
        shown = protocol.PlaceItem(uri=places.uri(anchor.path), start_line=first - 1, end_line=last - 1)
    return protocol.ThreadItem(
        id=thread.id,
        uri=shown.uri,
        start_line=shown.start_line,
        end_line=shown.end_line,
        state=thread.state,
        outdated=anchor.outdated,
        band=thread.band,
        score=thread.score,
        title=thread.title,
        comments=[_comment_item(comment, thread, places) for comment in thread.comments],
        revision=thread.revision,
        rules=[tag.partition(":")[2] for tag in thread.tags if tag.startswith(("hazard:", "notice:"))],
        origin=thread.origin,
        in_revision=own if side else None,
    )


def _comment_item(comment: Comment, thread: Thread, places: Places) -> protocol.CommentItem:
    suggestion = None if comment.partial else suggestion_of(thread, comment)
    return protocol.CommentItem(
        id=comment.id,
        author=comment.author,
        name=comment.name or NAMES[comment.author],
        body=comment.body,
        created=comment.created,
        partial=comment.partial,
        suggestion=suggestion is not None and not thread.anchor.outdated,
        evidence=[item for each in comment.evidence if (item := _evidence_item(each, places)) is not None],
    )


def _evidence_item(each: Evidence, places: Places) -> protocol.EvidenceItem | None:
    """Evidence that an editor may open; None for a target that is neither a commit's id nor inside the repository."""
    if each.kind == "commit":
        if not re.fullmatch(r"[0-9a-f]{7,64}", each.target):
            return None
        return protocol.EvidenceItem(kind=each.kind, label=each.label, commit=each.target, uri="", line=0)
    path = _relative(each.target)
    if path is None:
        return None
    return protocol.EvidenceItem(
        kind=each.kind, label=each.label, commit="", uri=places.uri(path), line=max(0, each.line - 1)
    )


def status_of(endpoint: EndpointStatus, version: str, review: Review | None) -> protocol.Status:
    """The endpoint's standing and the review's numbers in one."""
    numbers = review.summary() if review else None
    return protocol.Status(
        **asdict(endpoint),
        version=version,
        score=numbers.score if numbers else None,
        band=numbers.band if numbers else None,
        open_threads=numbers.open_threads if numbers else 0,
        scope=scope_item(review.desk.viewed) if review else None,
        revision=numbers.revision if numbers else 0,
    )
