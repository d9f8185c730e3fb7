/**
 * Edits that the assistant proposes: each beside its file in the diff editor, with the risk comments that it would get.
 *
 * The proposed side is a document that can be edited; saving it accepts what it then says. Closing it without saving rejects.
 */

import {
  Disposable,
  EventEmitter,
  type FileChangeEvent,
  FileChangeType,
  FileSystemError,
  type FileStat,
  type FileSystemProvider,
  FileType,
  Range,
  type TabInputTextDiff,
  Uri,
  commands,
  window,
  workspace,
} from 'vscode';

import type { Threads } from './comments';
import { type Log, reason } from './log';
import type { ProposalItem } from './protocol';
import type { Fleet } from './fleet';

const SCHEME = 'sidecar-proposal';
const CONTEXT = 'sidecar.proposal';
/** What marks the empty text beside a proposed new file. */
const BLANK = 'blank';

interface Open {
  readonly item: ProposalItem;
  readonly uri: Uri;
  readonly comments: Disposable;
  text: Uint8Array;
  changed: number;
  settled: boolean;
}

export class Proposals implements Disposable, FileSystemProvider {
  private readonly open = new Map<string, Open>();
  private readonly changes = new EventEmitter<FileChangeEvent[]>();
  private readonly subscriptions: Disposable[];

  readonly onDidChangeFile = this.changes.event;

  constructor(
    private readonly server: Fleet,
    private readonly threads: Threads,
    private readonly log: Log,
  ) {
    this.subscriptions = [
      workspace.registerFileSystemProvider(SCHEME, this, { isCaseSensitive: true }),
      server.onProposal(({ id }) => { this.attempt('show a proposed edit', () => this.show(id)); }),
      server.onSettled(({ id }) => { this.attempt('close a proposed edit', () => this.settle(id)); }),
      window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const tab of closed) if (isDiff(tab.input)) this.left(tab.input.modified);
      }),
    ];
  }

  /** Takes the proposal in the active editor as it stands there. */
  async accept(): Promise<void> {
    await this.active().document.save();
  }

  /** Declines the proposal in the active editor. */
  async reject(): Promise<void> {
    const { proposal } = this.active();
    await this.decide(proposal, false);
    await this.settle(proposal.item.id);
  }

  dispose(): void {
    for (const each of [...this.subscriptions, this.changes]) each.dispose();
    for (const { comments } of this.open.values()) comments.dispose();
    this.open.clear();
  }

  // ── the documents behind the diff editor ─────────────────────────────────────────────────────────
  stat(uri: Uri): FileStat {
    const { text, changed } = this.at(uri);
    return { type: FileType.File, ctime: 0, mtime: changed, size: isBlank(uri) ? 0 : text.length };
  }

  readFile(uri: Uri): Uint8Array {
    return isBlank(uri) ? new Uint8Array() : this.at(uri).text;
  }

  async writeFile(uri: Uri, content: Uint8Array): Promise<void> {
    const proposal = this.at(uri);
    if (isBlank(uri)) throw FileSystemError.NoPermissions(uri);
    proposal.text = content;
    proposal.changed = Date.now();
    this.changes.fire([{ type: FileChangeType.Changed, uri }]);
    if (!proposal.settled) await this.decide(proposal, true);
  }

  watch(): Disposable {
    return new Disposable(() => undefined);
  }

  readDirectory(): [string, FileType][] {
    return [];
  }

  createDirectory(uri: Uri): void {
    throw FileSystemError.NoPermissions(uri);
  }

  delete(uri: Uri): void {
    throw FileSystemError.NoPermissions(uri);
  }

  rename(uri: Uri): void {
    throw FileSystemError.NoPermissions(uri);
  }

  // ── one proposal ─────────────────────────────────────────────────────────────────────────────────
  private async show(id: string): Promise<void> {
    const item = await this.server.ask('sidecar/proposal/get', { id });
    const file = Uri.parse(item.uri);
    const name = file.path.split('/').at(-1) ?? 'file';
    // The path is what the editor shows above the text: the file's own.
    const uri = Uri.from({ scheme: SCHEME, authority: id, path: `/${workspace.asRelativePath(file, false).replace(/^\/+/, '')}` });
    const text = new TextEncoder().encode(item.text);
    const comments = this.threads.preview(item.threads, uri);
    this.open.set(id, { item, uri, comments, text, changed: Date.now(), settled: false });
    await commands.executeCommand('setContext', CONTEXT, true);
    const left = (await exists(file)) ? file : uri.with({ query: BLANK });
    await commands.executeCommand('vscode.diff', left, uri, `${name} (proposed by Claude)`, { preview: false, ...placeOf(item) });
  }

  private async decide(proposal: Open, accepted: boolean): Promise<void> {
    proposal.settled = true;
    const text = accepted ? new TextDecoder().decode(proposal.text) : '';
    await this.server.ask('sidecar/proposal/decide', { id: proposal.item.id, accepted, text });
  }

  /** The question is settled, here or in the terminal: its tab goes, unsaved changes with it. */
  private async settle(id: string): Promise<void> {
    const proposal = this.open.get(id);
    if (!proposal) return;
    proposal.settled = true;
    proposal.comments.dispose();
    const document = workspace.textDocuments.find((each) => each.uri.toString() === proposal.uri.toString());
    if (document?.isDirty) await document.save();
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => isDiff(tab.input) && same(tab.input.modified, proposal.uri));
    if (tabs.length > 0) await window.tabGroups.close(tabs);
    this.open.delete(id);
    if (this.open.size === 0) await commands.executeCommand('setContext', CONTEXT, false);
  }

  private left(uri: Uri): void {
    const proposal = [...this.open.values()].find((each) => same(each.uri, uri));
    if (!proposal || proposal.settled) return;
    this.attempt('decline a proposed edit', () => this.decide(proposal, false));
  }

  private active(): { proposal: Open; document: { save: () => Thenable<boolean> } } {
    const document = window.activeTextEditor?.document;
    const proposal = document && [...this.open.values()].find((each) => same(each.uri, document.uri));
    if (!proposal) throw new Error('There is no proposed edit in the active editor.');
    return {
      proposal,
      // A document that was not touched has nothing to save, and is accepted as it came.
      document: document.isDirty ? document : { save: () => this.decide(proposal, true).then(() => true) },
    };
  }

  private at(uri: Uri): Open {
    const proposal = this.open.get(uri.authority);
    if (!proposal) throw FileSystemError.FileNotFound(uri);
    return proposal;
  }

  private attempt(what: string, act: () => Promise<void>): void {
    act().catch((error: unknown) => {
      this.log.warn(`Sidecar could not ${what}: ${reason(error)}`);
    });
  }
}

/** Where to look first: at the gravest comment; else the editor goes to the first difference. */
function placeOf({ threads }: ProposalItem): { selection?: Range } {
  const found = (item: ProposalItem['threads'][number]): number => Number(item.rules.length > 0);
  const [first] = [...threads].sort((a, b) => found(b) - found(a) || b.score - a.score);
  return first ? { selection: new Range(first.endLine, 0, first.endLine, 0) } : {};
}

function isDiff(input: unknown): input is TabInputTextDiff {
  return typeof input === 'object' && input !== null && 'modified' in input && 'original' in input;
}

function isBlank(uri: Uri): boolean {
  return uri.query === BLANK;
}

function same(one: Uri, other: Uri): boolean {
  return one.toString() === other.toString();
}

async function exists(uri: Uri): Promise<boolean> {
  return workspace.fs.stat(uri).then(() => true, () => false);
}
