/** What can be done with a thread beyond talking in it. Each act takes the thread that it was given, else the one at the cursor. */

import { type Comment, type CommentThread, type QuickPickItem, Range, ThemeIcon, Uri, WorkspaceEdit, window, workspace } from 'vscode';

import { showCommit } from './commits';
import type { CommandId } from './commands';
import type { Asker, Threads } from './comments';
import { evidenceAt } from './evidence';
import { placed } from './lines';
import { reason } from './log';
import type { DismissalItem, DismissalScope, EditItem, ThreadItem } from './protocol';
import { REASONS, reachOf, reaching } from './dismissing';
import { Questions } from './questions';
import { type Row, capital, gist, lines } from './tree';

/** How menus and keys name a thread: the editor's own, a row of the view "Review", an id, or nothing for the one at the cursor. */
export type Meant = CommentThread | Row | string | undefined;

type Act = (item: ThreadItem) => Promise<void>;

type Acts = Extract<CommandId, 'sidecar.dismissals' | 'sidecar.evidence' | `sidecar.thread.${'fix' | 'apply' | 'stage' | 'revert' | 'dismiss' | 'answer' | 'resolve' | 'unresolve'}`>;

/** Whoever takes a task to Claude Code. */
export interface HandsOver {
  handOver(task: string, of?: Uri): Promise<void>;
}

/** The commands on threads, by id. */
export function threadActs(threads: Threads, server: Asker, claude: HandsOver): Record<Acts, (...given: never[]) => Promise<void>> {
  const on = (what: string, act: Act) => (thread: Meant): Promise<void> => doing(what, threads, thread, act);
  return {
    'sidecar.thread.fix': on('hand the comment to Claude Code', async ({ id, uri }) => {
      await claude.handOver((await server.ask('sidecar/thread/handOver', { id })).prompt, Uri.parse(uri));
    }),
    'sidecar.thread.apply': (given: CommentThread | string | undefined | Comment) => apply(given, threads, server),
    'sidecar.thread.stage': on('stage the hunk', (item) => stage(item, server)),
    'sidecar.thread.revert': on('revert the hunk', async (item) => {
      await edit(Uri.parse(item.uri), (text) => server.ask('sidecar/hunk/revert', { id: item.id, text }));
    }),
    'sidecar.thread.dismiss': on('dismiss the comment', (item) => dismiss(item, server)),
    'sidecar.thread.answer': on('reply', (item) => reply(item, threads)),
    'sidecar.thread.resolve': on('resolve the comment', ({ id }) => threads.setState(id, 'resolved')),
    'sidecar.thread.unresolve': on('open the comment again', ({ id }) => threads.setState(id, 'open')),
    'sidecar.evidence': (...named: unknown[]) => told('open the evidence', () => openEvidence(named, threads)),
    'sidecar.dismissals': () => told('show the dismissed comments', () => showDismissals(server)),
  };
}

async function doing(what: string, threads: Threads, thread: Meant, act: Act): Promise<void> {
  const item = threads.meant(named(thread));
  if (item) await told(what, () => act(item));
  else window.setStatusBarMessage('$(shield) Sidecar: no comment at the cursor', 5_000);
}

/** What the tree gives a command is a row, a comment's menu the thread itself. */
function named(thread: Meant): CommentThread | string | undefined {
  return typeof thread === 'object' && 'kind' in thread ? (thread.thread?.id ?? '') : thread;
}

/** A failed act says so in a sentence. */
async function told(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    void window.showErrorMessage(`Sidecar could not ${what}. ${reason(error)}`);
  }
}

/** A reply without the mouse: the editor cannot be asked to put the cursor into a thread's own box. */
async function reply(item: ThreadItem, threads: Threads): Promise<void> {
  const text = await window.showInputBox({ title: 'Reply to Sidecar', prompt: `${capital(lines(item.startLine, item.endLine))}: ${gist(item)}`, placeHolder: 'Ask why, or say what you did about it', ignoreFocusOut: true });
  if (!text?.trim()) return;
  await threads.reveal(item);
  await threads.reply({ thread: item.id, text });
}

async function openEvidence(named: readonly unknown[], threads: Threads): Promise<void> {
  const found = evidenceAt(named, (id) => threads.meant(id)?.comments ?? []);
  const item = threads.meant(String(named[0]));
  if (!found || !item) throw new Error('The comment that it belongs to is gone.');
  if (found.kind === 'commit') await showCommit(found.commit, Uri.parse(item.uri));
  else await window.showTextDocument(Uri.parse(found.uri), { selection: new Range(found.line, 0, found.line, 0) });
}

// ── the hunk and the suggestion ────────────────────────────────────────────────────────────────────
async function stage(item: ThreadItem, server: Asker): Promise<void> {
  const document = workspace.textDocuments.find((each) => each.uri.toString() === Uri.parse(item.uri).toString());
  if (document?.isDirty) {
    const name = workspace.asRelativePath(document.uri, false);
    const answer = await window.showWarningMessage(`${name} is not saved, and only what is saved can be staged.`, 'Save and Stage');
    if (!answer || !(await document.save())) return;
  }
  const { hunks, whole } = await server.ask('sidecar/hunk/stage', { id: item.id });
  const what = whole ? 'the new file is' : hunks === 1 ? 'the hunk is' : `${hunks} hunks are`;
  window.setStatusBarMessage(`$(add) Sidecar: ${what} staged`, 5_000);
}

async function apply(given: CommentThread | string | undefined | Comment, threads: Threads, server: Asker): Promise<void> {
  const found = threads.suggestion(given);
  if (!found) {
    window.setStatusBarMessage('$(shield) Sidecar: no suggestion at the cursor', 5_000);
    return;
  }
  const { item, comment } = found;
  await told('apply the suggestion', () => edit(Uri.parse(item.uri), (text) => server.ask('sidecar/suggestion/get', { id: item.id, comment, text })));
}

/** Changes a file as the server says, in the editor: one step for Ctrl-Z, nothing saved. Rejects when the text moved meanwhile. */
async function edit(uri: Uri, ask: (text: string) => Promise<EditItem>): Promise<void> {
  const document = await workspace.openTextDocument(uri);
  const { version } = document;
  const answer = await ask(document.getText());
  if (document.version !== version) throw new Error('The text was changed meanwhile; try again.');
  const lengths = Array.from({ length: document.lineCount }, (_, line) => document.lineAt(line).text.length);
  const change = new WorkspaceEdit();
  for (const { start, end, text } of answer.edits.map((each) => placed(each, lengths))) change.replace(uri, new Range(...start, ...end), text);
  const first = answer.edits[0]?.startLine ?? 0;
  await window.showTextDocument(document, { selection: new Range(first, 0, first, 0) });
  if (!(await workspace.applyEdit(change))) throw new Error('The editor did not take the edit; is the file read-only?');
}

// ── dismissing ──────────────────────────────────────────────────────────────────────────────────────
async function dismiss(item: ThreadItem, server: Asker): Promise<void> {
  const questions = new Questions();
  try {
    const why = await askReason(questions);
    const scope = why && (await askReach(questions, workspace.asRelativePath(Uri.parse(item.uri), false)));
    questions.dispose();
    if (scope) await offerUndo(await server.ask('sidecar/thread/dismiss', { id: item.id, reason: why, scope }), server);
  } finally {
    questions.dispose();
  }
}

async function askReason(questions: Questions): Promise<string | undefined> {
  const title = 'Dismiss: why? (1/2)';
  const own: QuickPickItem = { label: 'Another reason…', iconPath: new ThemeIcon('edit') };
  const chosen = await questions.choose(title, 'The reason is kept, and shown under Dismissed Comments', [...REASONS.map((label) => ({ label })), own]);
  return chosen === own ? questions.write(title, 'Why is this comment not wanted here?') : chosen?.label;
}

async function askReach(questions: Questions, path: string): Promise<DismissalScope | undefined> {
  const picks = reaching(path).map(({ scope, label, detail }) => ({ scope, label, detail }));
  return (await questions.choose('Dismiss: where? (2/2)', 'Comments like this one stay silent there', picks))?.scope;
}

async function offerUndo(made: DismissalItem, server: Asker): Promise<void> {
  const answer = await window.showInformationMessage(`Sidecar says no more of this ${reachOf(made)}.`, 'Undo');
  if (answer) await server.ask('sidecar/dismissal/undo', { id: made.id });
}

async function showDismissals(server: Asker): Promise<void> {
  const { items } = await server.ask('sidecar/dismissals', null);
  if (items.length === 0) {
    void window.showInformationMessage('Nothing is dismissed in this repository.');
    return;
  }
  const picks = items.map((item) => ({ item, label: item.title, description: reachOf(item), detail: item.reason }));
  const chosen = await window.showQuickPick(picks, { title: 'Dismissed comments', placeHolder: 'Choose one to hear it again', matchOnDescription: true, matchOnDetail: true });
  if (chosen) await server.ask('sidecar/dismissal/undo', { id: chosen.item.id });
}
