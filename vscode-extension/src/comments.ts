/** One comment controller that shows the server's threads. It keeps only what is on show and can be rebuilt from one snapshot. */

import {
  type Comment,
  type CommentController,
  CommentMode,
  type CommentReply,
  type CommentThread,
  CommentThreadCollapsibleState,
  CommentThreadState,
  Disposable,
  MarkdownString,
  Range,
  Uri,
  comments,
  window,
  workspace,
} from 'vscode';

import { EVIDENCE, defused, evidenceLinks } from './evidence';
import { reason } from './log';
import type { Band, CommentItem, Requests, ThreadItem, ThreadsChanged } from './protocol';
import { atLine, reaches, reconcile } from './reconcile';
import { onReturn } from './returns';
import type { Settings } from './settings';
import { providerName, threadContext, threadLabel } from './words';

const MEDIA: Readonly<Record<CommentItem['author'], (band: Band) => string>> = {
  sidecar: (band) => `risk-${band}.svg`,
  user: () => 'user.svg',
  model: () => 'model.svg',
};
const NAMES: Readonly<Record<CommentItem['author'], string>> = { sidecar: 'Sidecar', user: 'You', model: 'Model' };

/** What threads need from the server. */
export interface Asker {
  ask<M extends keyof Requests>(method: M, params: Requests[M]['params']): Promise<Requests[M]['result']>;
}

/** A comment of ours: the editor hands it back as it was made. */
interface SidecarComment extends Comment {
  readonly id: string;
  readonly thread: string;
}

interface Shown {
  item: ThreadItem;
  made: ReadonlyMap<string, SidecarComment>;
  readonly thread: CommentThread;
}

export class Threads implements Disposable {
  private readonly controller: CommentController;
  private readonly shown = new Map<string, Shown>();
  private readonly returns: Disposable;

  constructor(
    private readonly server: Asker,
    private readonly media: Uri,
    private readonly settings: () => Pick<Settings, 'minimumBand' | 'expand'>,
  ) {
    this.returns = onReturn((uri) => { this.place(uri); });
    this.controller = comments.createCommentController('sidecar', 'Sidecar');
    this.controller.options = {
      prompt: 'Reply to Sidecar…',
      placeHolder: 'Ask why, or say what you did about it',
    };
  }

  /** The threads on show. */
  items(): readonly ThreadItem[] {
    return [...this.shown.values()].map((each) => each.item);
  }

  /** The thread that a command means: the one it was given, else the one at the cursor. */
  meant(thread: CommentThread | string | undefined): ThreadItem | undefined {
    if (thread !== undefined) return this.find(thread)?.item;
    const editor = window.activeTextEditor;
    return editor && atLine(this.items(), editor.document.uri.toString(), editor.selection.active.line);
  }

  /** The suggestion that a command means: that of a comment, else the newest one of the thread. */
  suggestion(given: CommentThread | Comment | string | undefined): { item: ThreadItem; comment: string } | undefined {
    const own = given !== undefined && typeof given !== 'string' && 'body' in given ? (given as SidecarComment) : undefined;
    const item = own ? this.shown.get(own.thread)?.item : this.meant(given as CommentThread | string | undefined);
    const comment = item?.comments.findLast((each) => each.suggestion && (!own || each.id === own.id));
    return item && comment && { item, comment: comment.id };
  }

  /** Brings what is on show up to what the server says. */
  apply(change: ThreadsChanged): void {
    const known = new Map([...this.shown].map(([id, { item }]) => [id, item]));
    const plan = reconcile(known, change, this.settings().minimumBand);
    for (const id of plan.dispose) this.remove(id);
    for (const item of plan.create) this.create(item);
    for (const item of plan.update) this.update(item);
  }

  /** Shows threads on another text than their file's, such as a proposed one; nothing can be said in them. */
  preview(items: readonly ThreadItem[], uri: Uri): Disposable {
    const threads = items.map((item) => {
      const unlinked = { ...item, comments: item.comments.map((comment) => ({ ...comment, evidence: [] })) };
      const thread = this.controller.createCommentThread(uri, rangeOf(item), this.commentsOf(unlinked));
      thread.label = threadLabel(item);
      thread.canReply = false;
      thread.contextValue = 'proposal';
      thread.collapsibleState = CommentThreadCollapsibleState.Expanded;
      return thread;
    });
    return Disposable.from(...threads);
  }

  /** Shows where a thread is, and opens it. */
  async reveal(item: ThreadItem): Promise<void> {
    const line = Math.max(0, item.startLine);
    await window.showTextDocument(Uri.parse(item.uri), { selection: new Range(line, 0, line, 0) });
    this.expand(item.id);
  }

  /** Opens a thread where it is. */
  expand(id: string): void {
    const thread = this.shown.get(id)?.thread;
    if (thread) thread.collapsibleState = CommentThreadCollapsibleState.Expanded;
  }

  /** Sends what the user wrote in a thread (or the thread of an id); it is shown at once, and marked when it could not be sent. */
  async reply({ thread, text }: Pick<CommentReply, 'text'> & { readonly thread: CommentThread | string }): Promise<void> {
    const shown = this.find(thread);
    if (!shown || text.trim() === '') return;
    this.showDraft(shown, text, 'Sending…');
    try {
      this.upsert(await this.server.ask('sidecar/thread/reply', { id: shown.item.id, body: text }));
    } catch (error) {
      this.showDraft(shown, text, 'Not sent');
      const again = await window.showErrorMessage(`Sidecar could not send the reply. ${reason(error)}`, 'Try Again');
      if (again) await this.reply({ thread, text });
    }
  }

  /** Resolves a thread or opens it again. Rejects when the server does not let it. */
  async setState(id: string, state: ThreadItem['state']): Promise<void> {
    this.upsert(await this.server.ask('sidecar/thread/setState', { id, state }));
  }

  dispose(): void {
    this.returns.dispose();
    this.shown.clear();
    this.controller.dispose();
  }

  /** Puts a document's threads where the server knows them to be: the editor moves them with edits, but not back with their undoing. */
  private place(uri: string): void {
    for (const { item, thread } of this.shown.values()) {
      if (Uri.parse(item.uri).toString() !== uri) continue;
      const { start, end } = rangeOf(item);
      // A range that is equal to the one it was given last is not looked at.
      thread.range = new Range(start, end.with({ character: thread.range?.end.character === 0 ? 1 : 0 }));
    }
  }

  private upsert(item: ThreadItem): void {
    this.apply({ revision: item.revision, upserts: [item], removes: [], full: false });
  }

  private find(thread: CommentThread | string): Shown | undefined {
    if (typeof thread === 'string') return this.shown.get(thread);
    return [...this.shown.values()].find((each) => each.thread === thread);
  }

  private create(item: ThreadItem): void {
    // Given without its comments a thread counts as a draft, and the editor opens the reply box in it.
    const made = this.commentsOf(item);
    const thread = this.controller.createCommentThread(Uri.parse(item.uri), rangeOf(item), made);
    thread.collapsibleState = this.opensExpanded(item)
      ? CommentThreadCollapsibleState.Expanded
      : CommentThreadCollapsibleState.Collapsed;
    this.dress(thread, item);
    this.shown.set(item.id, { item, thread, made: byId(made) });
  }

  private update(item: ThreadItem): void {
    const shown = this.shown.get(item.id);
    if (!shown) return;
    if (shown.item.uri !== item.uri) {
      this.remove(item.id);
      this.create(item);
      return;
    }
    if (shown.item.state === 'open' && item.state === 'resolved') {
      shown.thread.collapsibleState = CommentThreadCollapsibleState.Collapsed;
    }
    shown.item = item;
    shown.thread.range = rangeOf(item);
    const made = this.commentsOf(item, shown.made);
    shown.made = byId(made);
    shown.thread.comments = made;
    this.dress(shown.thread, item);
  }

  private remove(id: string): void {
    this.shown.get(id)?.thread.dispose();
    this.shown.delete(id);
  }

  /** Sets each property once: assigning is what makes the editor draw. */
  private dress(thread: CommentThread, item: ThreadItem): void {
    thread.label = threadLabel(item);
    thread.contextValue = threadContext(item);
    thread.canReply = item.state === 'open' && workspace.isTrusted;
    thread.state = item.state === 'open' ? CommentThreadState.Unresolved : CommentThreadState.Resolved;
  }

  /** The comments of a thread. Those of before are changed, not made anew: the editor then draws only what differs. */
  private commentsOf(item: ThreadItem, before?: ReadonlyMap<string, SidecarComment>): SidecarComment[] {
    return item.comments.map((comment) => Object.assign(before?.get(comment.id) ?? {}, this.comment(comment, item)));
  }

  private comment(item: CommentItem, thread: ThreadItem): SidecarComment {
    const body = new MarkdownString(item.body, true);
    body.isTrusted = false;
    body.supportHtml = false;
    // Links are ours alone: those of the text stay dead, even in a comment that has some.
    const links = evidenceLinks(thread.id, item);
    if (links) {
      body.value = `${defused(item.body)}\n\n${links}`;
      body.isTrusted = { enabledCommands: [EVIDENCE] };
    }
    return {
      id: item.id,
      thread: thread.id,
      author: {
        name: item.author === 'model' && item.name ? providerName(item.name) : item.name || NAMES[item.author],
        iconPath: Uri.joinPath(this.media, MEDIA[item.author](thread.band)),
      },
      body,
      mode: CommentMode.Preview,
      label: item.partial ? 'writing…' : '',
      contextValue: item.suggestion ? `${item.author} suggestion` : item.author,
      timestamp: new Date(item.created * 1000),
    };
  }

  private showDraft(shown: Shown, text: string, label: string): void {
    const { item, thread } = shown;
    const draft: CommentItem = { id: '', author: 'user', name: '', body: text, created: Date.now() / 1000, partial: false, suggestion: false, evidence: [] };
    thread.comments = [...this.commentsOf(item, shown.made), { ...this.comment(draft, item), label }];
  }

  private opensExpanded(item: ThreadItem): boolean {
    const { expand } = this.settings();
    if (item.state === 'resolved' || expand === 'none') return false;
    return expand === 'all' || reaches(item.band, 'high');
  }
}

function byId(made: readonly SidecarComment[]): ReadonlyMap<string, SidecarComment> {
  return new Map(made.map((each) => [each.id, each]));
}

function rangeOf(item: ThreadItem): Range {
  return new Range(Math.max(0, item.startLine), 0, Math.max(0, item.startLine, item.endLine), 0);
}
