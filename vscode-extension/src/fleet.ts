/** All folders of the window: one server each. Whoever wants something of a server asks here and reaches the right one. */

import { Disposable, EventEmitter, type ExtensionContext, TabInputText, TabInputTextDiff, Uri, type WorkspaceFolder, window, workspace } from 'vscode';

import { Folder } from './folder';
import { Gathered } from './gathered';
import type { Log } from './log';
import type { ProposalName, Requests, ShowParams, Status, ThreadItem, ThreadsChanged } from './protocol';
import type { Provision } from './provision';
import { REVISION, revisionOf } from './revision';
import type { FolderView } from './tree';
import type { View } from './words';

const NO_FOLDER: View = { phase: 'stopped', note: 'Open a folder to use Sidecar.', status: undefined };

export class Fleet implements Disposable {
  private readonly folders = new Map<string, Folder>();
  private readonly gathered = new Gathered({ folderOf, openAs: (uri) => this.tabs.get(Uri.parse(uri).toString()) });
  private tabs = openDocuments();
  private last: string | undefined;
  private alone = true;
  private number = 0;
  private readonly numbers = new Map<string, string>();
  private readonly changed = new EventEmitter<void>();
  private readonly threads = new EventEmitter<ThreadsChanged>();
  private readonly opened = new EventEmitter<ProposalName>();
  private readonly closed = new EventEmitter<ProposalName>();
  private readonly shown = new EventEmitter<ShowParams>();
  private readonly own = new Map<string, Disposable>();
  private readonly subscriptions: Disposable[];

  /** Something of what is known of a folder is another: its server's state, its outline, its threads. */
  readonly onChange = this.changed.event;
  /** The threads to show, all of them each time. */
  readonly onThreads = this.threads.event;
  /** The assistant proposes an edit; it is settled, here or elsewhere; a file is to be shown. */
  readonly onProposal = this.opened.event;
  readonly onSettled = this.closed.event;
  readonly onShow = this.shown.event;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: Log,
    private readonly provision: Provision,
  ) {
    this.subscriptions = [
      workspace.onDidChangeWorkspaceFolders(() => { this.follow(); }),
      window.onDidChangeActiveTextEditor(() => { this.changed.fire(); }),
      window.tabGroups.onDidChangeTabs(() => { this.retab(); }),
    ];
    this.follow();
  }

  /** Every folder, in the order of the window. */
  all(): readonly Folder[] {
    return [...this.folders.values()];
  }

  /** The folder of a document; else the one that was last worked in, else the first. */
  of(uri?: Uri): Folder | undefined {
    const key = uri && folderOf(uri.toString());
    const active = window.activeTextEditor && folderOf(window.activeTextEditor.document.uri.toString());
    for (const each of [key, active, this.last]) {
      const folder = each === undefined ? undefined : this.folders.get(each);
      if (folder) {
        if (each === active) this.last = each;
        return folder;
      }
    }
    return this.all()[0];
  }

  /** The folder that a document belongs to; of a repository that reaches beyond its folder, the folder that shows it. */
  private owner(uri: Uri): Folder | undefined {
    const inside = (root: string): boolean => uri.path.startsWith(`${Uri.parse(root).path}/`);
    return folderOf(uri.toString()) === undefined ? (this.all().find(({ outline }) => outline && inside(outline.root)) ?? this.of()) : this.of(uri);
  }

  /** What the status item shows: the folder that is worked in. */
  get view(): View {
    const folder = this.of();
    if (!folder) return NO_FOLDER;
    const named = this.folders.size > 1 ? { folder: folder.folder.name } : {};
    return { ...folder.server.view, restricted: !workspace.isTrusted, ...named };
  }

  /** The newest status of the folder of a document. */
  statusOf(uri: Uri): Status | undefined {
    return this.of(uri)?.server.status;
  }

  /** What the tree shows, folder by folder. */
  views(): readonly FolderView[] {
    return this.all().map((each) => ({
      key: each.key,
      name: each.folder.name,
      outline: each.outline,
      threads: this.gathered.shownOf(each.key),
      floor: each.settings.minimumBand,
    }));
  }

  /** Starts every server, or starts it anew. */
  async restart(): Promise<void> {
    await Promise.all(this.all().map((each) => each.server.restart()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.all().map((each) => each.server.stop()));
  }

  /** Says of every folder what the extension is at while no server runs. */
  say(phase: View['phase'], note = ''): void {
    for (const each of this.all()) each.server.say(phase, note);
  }

  /** Acts on every folder. */
  each(act: (folder: Folder) => void): void {
    for (const folder of this.all()) act(folder);
  }

  /** Settings may be others: floors hold at once. */
  reconfigure(): void {
    this.each((folder) => {
      folder.reconfigure();
      this.gathered.setFloor(folder.key, folder.settings.minimumBand);
    });
    this.emit();
  }

  /** Asks the server whose thread, proposal or document the question is about, else that of the folder that is worked in. */
  async ask<M extends keyof Requests>(method: M, params: Requests[M]['params']): Promise<Requests[M]['result']> {
    const { id, uri } = (params ?? {}) as { id?: string; uri?: string };
    const proposal = method.startsWith('sidecar/proposal/') ? this.unnamed(id ?? '') : undefined;
    const owner = id === undefined ? undefined : this.gathered.ownerOf(id);
    const folder = proposal?.folder ?? (owner === undefined ? (uri === undefined ? this.of() : this.owner(Uri.parse(uri))) : this.folders.get(owner));
    if (!folder) throw new Error('Sidecar is not running. Open a folder first.');
    const result = await folder.server.ask(method, (proposal ? { ...params, id: proposal.id } : params));
    if (proposal && hasId(result)) return { ...result, id };
    return isThread(result) ? (this.taken(folder, result)) : result;
  }

  dispose(): void {
    for (const each of [...this.subscriptions, ...this.own.values(), ...this.all()]) each.dispose();
    for (const each of [this.changed, this.threads, this.opened, this.closed, this.shown]) each.dispose();
    this.folders.clear();
  }

  private follow(): void {
    const wanted = new Map((workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file').map((each) => [each.uri.toString(), each]));
    const alone = (workspace.workspaceFolders ?? []).length <= 1;
    // Terminals of a window with one folder are all given its address, those of others by their folder.
    for (const key of [...this.folders.keys()]) if (!wanted.has(key) || alone !== this.alone) this.drop(key);
    this.alone = alone;
    for (const [key, folder] of wanted) if (!this.folders.has(key)) this.add(folder);
    this.emit();
  }

  private add(folder: WorkspaceFolder): void {
    const made = new Folder(this.context, folder, this.log, this.provision, this.alone);
    const { key, server } = made;
    this.folders.set(key, made);
    this.gathered.setFloor(key, made.settings.minimumBand);
    const number = String((this.number += 1));
    this.numbers.set(number, key);
    const named = (then: EventEmitter<ProposalName>) => ({ id }: ProposalName): void => { then.fire({ id: `${number}-${id}` }); };
    this.own.set(key, Disposable.from(
      server.onView(() => { this.changed.fire(); }),
      made.onOutline(() => { this.changed.fire(); }),
      server.onThreads((change) => { this.gathered.take(key, change); this.emit(); }),
      server.onProposal(named(this.opened)),
      server.onSettled(named(this.closed)),
      server.onShow((place) => { this.shown.fire(place); }),
    ));
    made.begin();
  }

  private drop(key: string): void {
    this.own.get(key)?.dispose();
    this.folders.get(key)?.dispose();
    for (const map of [this.own, this.folders]) map.delete(key);
    this.gathered.drop(key);
  }

  /** A proposal's name is the number that its server gave it, behind that of the folder; it is part of a document's path. */
  private unnamed(name: string): { folder: Folder | undefined; id: string } {
    const cut = name.indexOf('-');
    return { folder: this.folders.get(this.numbers.get(name.slice(0, cut)) ?? ''), id: name.slice(cut + 1) };
  }

  private taken(folder: Folder, item: ThreadItem): ThreadItem {
    // An answer may come when another diff is shown already; then its thread is no longer one of those.
    if (this.gathered.ownerOf(item.id) === folder.key) {
      this.gathered.take(folder.key, { revision: item.revision, upserts: [item], removes: [], full: false });
      this.changed.fire();
    }
    return this.gathered.placed(item);
  }

  private retab(): void {
    const now = openDocuments();
    if (JSON.stringify([...now]) === JSON.stringify([...this.tabs])) return;
    this.tabs = now;
    this.emit();
  }

  private emit(): void {
    this.threads.fire({ revision: 0, upserts: this.gathered.shown(), removes: [], full: true });
    this.changed.fire();
  }
}

/** The key of the folder of the window that a document lies in, also where it is an older text of a file. */
function folderOf(uri: string): string | undefined {
  const parsed = Uri.parse(uri);
  return workspace.getWorkspaceFolder(revisionOf(parsed) ? Uri.file(parsed.path) : parsed)?.uri.toString();
}

/** The older texts of files that a tab shows, alone or on the right side of a diff: our name of the text, and the document's. */
function openDocuments(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { input } of window.tabGroups.all.flatMap((group) => group.tabs)) {
    const uri = input instanceof TabInputTextDiff ? input.modified : input instanceof TabInputText ? input.uri : undefined;
    const side = uri && revisionOf(uri);
    if (side) found.set(Uri.from({ scheme: REVISION, path: uri.path, query: side }).toString(), uri.toString());
  }
  return found;
}

function hasId(result: unknown): result is { readonly id: string } {
  return typeof result === 'object' && result !== null && 'id' in result;
}

function isThread(result: unknown): result is ThreadItem {
  return hasId(result) && 'comments' in result && 'startLine' in result;
}
