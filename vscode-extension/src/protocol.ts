/**
 * Names and types of the `sidecar/*` methods between the server and the extension, and nothing else.
 *
 * The mirror of `sidecar/editor/protocol.py`; a test holds it true to `tests/golden/protocol.schema.json`.
 */

import type { HostAnswer, HostQuery } from './hostprotocol';

/** How much a change risks, in a word. */
export type Band = 'low' | 'medium' | 'high' | 'critical';

/** Which diff is reviewed; `ref` is the base of a branch (empty: chosen by the server), or the commit. `title` is for people. */
export interface ScopeItem {
  readonly kind: 'working' | 'staged' | 'branch' | 'commit';
  readonly ref: string;
  readonly title: string;
}

/** What the status item shows. `message` is a sentence with the mend when `state` is `degraded`. */
export interface Status {
  readonly state: 'starting' | 'ready' | 'degraded';
  readonly provider: string;
  /** The port that the endpoint listens on; 0 while it does not. */
  readonly port: number;
  readonly requestedPort: number;
  readonly baseUrl: string;
  readonly version: string;
  readonly workspace: string;
  readonly message: string;
  /** Where the Claude Code CLI finds its IDE; 0 where it does not. */
  readonly companionPort: number;
  /** Risk of the reviewed change, 0..1; null when there is none. */
  readonly score: number | null;
  readonly band: Band | null;
  readonly openThreads: number;
  /** What is reviewed; null where there is no review. */
  readonly scope: ScopeItem | null;
  /** The review's; another one means that the outline may have changed. */
  readonly revision: number;
}

/** What a comment rests on: a commit's id, or a file with a line (from 0). `label` is plain text. */
export interface EvidenceItem {
  readonly kind: 'commit' | 'file' | 'function' | 'test';
  readonly label: string;
  readonly commit: string;
  readonly uri: string;
  readonly line: number;
}

/** One comment; `body` is Markdown, never trusted; `created` is in UTC seconds. */
export interface CommentItem {
  readonly id: string;
  readonly author: 'sidecar' | 'user' | 'model';
  readonly name: string;
  readonly body: string;
  readonly created: number;
  /** It is still being written. */
  readonly partial: boolean;
  /** `sidecar/suggestion/get` has an edit for it. */
  readonly suggestion: boolean;
  readonly evidence: readonly EvidenceItem[];
}

/** Lines of a document; they count from 0, both included. */
export interface PlaceItem {
  readonly uri: string;
  readonly startLine: number;
  readonly endLine: number;
}

/**
 * One thread; `startLine` and `endLine` count from 0, both included. `uri` is the file of the working tree where the
 * thread's lines stand there, else the text of the revision.
 */
export interface ThreadItem {
  readonly id: string;
  readonly uri: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly state: 'open' | 'resolved';
  readonly outdated: boolean;
  readonly band: Band;
  readonly score: number;
  readonly title: string;
  readonly comments: readonly CommentItem[];
  readonly revision: number;
  /** The rules whose findings it tells of; empty for a risk. */
  readonly rules: readonly string[];
  /** `review`: a model's comment. */
  readonly origin: 'risk' | 'user' | 'review';
  /** The place in the text of the reviewed revision; null where that is the working tree. */
  readonly inRevision: PlaceItem | null;
}

/** Look at the change again; without `paths` all of it, without `scope` the one that is shown. */
export interface ReviewParams {
  readonly paths?: readonly string[] | null;
  readonly scope?: ScopeItem | null;
}

/** What the last look found. */
export interface ReviewResult {
  readonly revision: number;
  readonly score: number | null;
  readonly band: Band | null;
  readonly openThreads: number;
}

/** Review a change in words; `base` is the revision for `scope: base`. Progress is told to the token, as LSP has it. */
export interface ModelReviewParams {
  readonly scope?: 'working' | 'staged' | 'base';
  readonly base?: string;
  /** Ask again though this change was reviewed before. */
  readonly refresh?: boolean;
  readonly workDoneToken?: string | number | null;
}

/** The review as Markdown (never trusted), and how many comments it has and how many of them are new threads. */
export interface ModelReviewResult {
  readonly title: string;
  readonly markdown: string;
  readonly by: 'model' | 'facts';
  readonly comments: number;
  readonly threads: number;
  readonly unread: number;
}

/** A scored place of a file: lines of the reviewed text from 0, both included; `reason` is a sentence or empty. */
export interface HunkItem {
  readonly startLine: number;
  readonly endLine: number;
  readonly score: number;
  readonly band: Band;
  readonly reason: string;
}

/** A file of the change. `score` and `band` are null where it was not scored; `why` says why not. */
export interface FileItem {
  readonly path: string;
  readonly oldPath: string | null;
  readonly status: 'added' | 'deleted' | 'modified' | 'renamed' | 'copied' | 'type-changed';
  readonly added: number;
  readonly removed: number;
  readonly score: number | null;
  readonly band: Band | null;
  readonly why: string;
  /** The file in the working tree. */
  readonly uri: string;
  /** The text before the change, and the one after it. */
  readonly oldUri: string;
  readonly newUri: string;
  readonly hunks: readonly HunkItem[];
}

/** The change by risk: its files, the riskiest first, those without a score last. */
export interface OutlineItem {
  readonly revision: number;
  readonly scope: ScopeItem;
  /** The repository's top folder. */
  readonly root: string;
  readonly score: number | null;
  readonly band: Band | null;
  readonly files: readonly FileItem[];
}

/** The diffs that can be reviewed: the plain ones, then other bases of the branch, then the last commits. */
export interface ScopeChoices {
  readonly scopes: readonly ScopeItem[];
}

/** A text on a side of the diff, by the URI that an outline or a thread gave. */
export interface TextParams {
  readonly uri: string;
}

/** A text; empty where that side has none. */
export interface TextItem {
  readonly text: string;
}

/** All threads; with `sinceRevision` only what changed after it. */
export interface SnapshotParams {
  readonly sinceRevision?: number;
}

/** A change of the set of threads; `full` says that `upserts` is everything there is. */
export interface ThreadsChanged {
  readonly revision: number;
  readonly upserts: readonly ThreadItem[];
  readonly removes: readonly string[];
  readonly full: boolean;
}

/** The user's reply in a thread; the answer is the thread with both comments. */
export interface ReplyParams {
  readonly id: string;
  readonly body: string;
}

/** Resolve a thread or open it again. */
export interface SetStateParams {
  readonly id: string;
  readonly state: 'open' | 'resolved';
}

/** One thread. */
export interface ThreadName {
  readonly id: string;
}

/** A thread as a task for Claude Code: plain text of several lines without control characters, not to be run by a shell. */
export interface HandOver {
  readonly prompt: string;
}

/** How many stretches of changed lines were staged; `whole` where it is the whole file, which git did not know before. */
export interface Staged {
  readonly hunks: number;
  readonly whole: boolean;
}

/** Take back what changed under a thread; `text` is the file as it is in the editor, saved or not. */
export interface RevertParams {
  readonly id: string;
  readonly text: string;
}

/** What a comment of a thread suggests for the file as it is in the editor. */
export interface SuggestionParams {
  readonly id: string;
  readonly comment: string;
  readonly text: string;
}

/** Put `lines` where `lineCount` lines stand from `startLine` on (from 0); with no count, before that line. */
export interface LineEditItem {
  readonly startLine: number;
  readonly lineCount: number;
  readonly lines: readonly string[];
}

/** Edits of one file, of the text that was sent; in order and apart from each other. */
export interface EditItem {
  readonly uri: string;
  readonly edits: readonly LineEditItem[];
}

/** How far a dismissal reaches: these lines, this file, or this folder (and below) for files of this suffix. */
export type DismissalScope = 'lines' | 'file' | 'folder';

/** Take a thread away for a reason, and keep others of its kind silent. */
export interface DismissParams {
  readonly id: string;
  readonly reason: string;
  readonly scope?: DismissalScope;
}

/** What was dismissed, where and why; plain text. */
export interface DismissalItem {
  readonly id: string;
  readonly scope: DismissalScope;
  readonly pattern: string;
  readonly reason: string;
  readonly title: string;
  readonly uri: string;
  readonly startLine: number;
  readonly created: number;
}

/** What was dismissed in this repository, the newest first. */
export interface Dismissals {
  readonly items: readonly DismissalItem[];
}

/** One dismissal. */
export interface DismissalName {
  readonly id: string;
}

/** One proposal of the assistant, by the id that the server gave it. */
export interface ProposalName {
  readonly id: string;
}

/** A whole file as the assistant wants to write it, with the risk comments on it; `uri` is the file's own. */
export interface ProposalItem {
  readonly id: string;
  readonly uri: string;
  readonly title: string;
  readonly text: string;
  readonly threads: readonly ThreadItem[];
}

/** What the user made of a proposal; with `accepted` the `text` is the whole file, perhaps changed. */
export interface DecideParams {
  readonly id: string;
  readonly accepted: boolean;
  readonly text?: string;
}

/** Whether anybody was there to hear it. */
export interface Heard {
  readonly heard: boolean;
}

/** What is selected in a file. */
export interface SelectionParams {
  readonly uri: string;
  readonly text: string;
  readonly startLine: number;
  readonly startCharacter: number;
  readonly endLine: number;
  readonly endCharacter: number;
}

/** Lines to put into the assistant's prompt, both included. */
export interface MentionParams {
  readonly uri: string;
  readonly startLine: number;
  readonly endLine: number;
}

/** An address of the dashboard, with its query: `/dashboard`, a file below it, or `/api/…`. */
export interface DashboardParams {
  readonly target: string;
}

/** What stands there: text of this media type. */
export interface DashboardAnswer {
  readonly media: string;
  readonly text: string;
}

/** Open a file and select these lines; none where both are 0. */
export interface ShowParams {
  readonly uri: string;
  readonly startLine: number;
  readonly endLine: number;
}

/** What the client asks, by method. */
export interface Requests {
  'sidecar/status': { params: null; result: Status };
  'sidecar/review': { params: ReviewParams; result: ReviewResult };
  'sidecar/review/model': { params: ModelReviewParams; result: ModelReviewResult };
  'sidecar/review/outline': { params: null; result: OutlineItem };
  'sidecar/review/scopes': { params: null; result: ScopeChoices };
  'sidecar/review/text': { params: TextParams; result: TextItem };
  'sidecar/threads/snapshot': { params: SnapshotParams; result: ThreadsChanged };
  'sidecar/thread/reply': { params: ReplyParams; result: ThreadItem };
  'sidecar/thread/setState': { params: SetStateParams; result: ThreadItem };
  'sidecar/thread/handOver': { params: ThreadName; result: HandOver };
  'sidecar/thread/dismiss': { params: DismissParams; result: DismissalItem };
  'sidecar/dismissals': { params: null; result: Dismissals };
  'sidecar/dismissal/undo': { params: DismissalName; result: DismissalItem };
  'sidecar/hunk/stage': { params: ThreadName; result: Staged };
  'sidecar/hunk/revert': { params: RevertParams; result: EditItem };
  'sidecar/suggestion/get': { params: SuggestionParams; result: EditItem };
  'sidecar/proposal/get': { params: ProposalName; result: ProposalItem };
  'sidecar/proposal/decide': { params: DecideParams; result: Heard };
  'sidecar/selection': { params: SelectionParams; result: Heard };
  'sidecar/mention': { params: MentionParams; result: Heard };
  'sidecar/dashboard': { params: DashboardParams; result: DashboardAnswer };
}

/** What the server tells unasked, by method. */
export interface Notifications {
  'sidecar/statusChanged': Status;
  'sidecar/threads/changed': ThreadsChanged;
  'sidecar/proposal/opened': ProposalName;
  'sidecar/proposal/closed': ProposalName;
  'sidecar/window/show': ShowParams;
}

/** What the server asks the client, by method. */
export interface HostRequests {
  'sidecar/host/query': { params: HostQuery; result: HostAnswer };
}
