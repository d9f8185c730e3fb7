/** The view "Review": the rows of `tree` in VS Code's tree, with a badge. It shows what it is told and never takes the focus. */

import {
  type Disposable,
  EventEmitter,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
  type TreeView,
  commands,
  window,
} from 'vscode';

import type { Order } from './reconcile';
import { type FolderView, type Row, countAbove, headline, parentsOf, rowOfThread, rowsOf } from './tree';
import { type View, escapeMarkdown, stateOf } from './words';

const REVIEW_VIEW = 'sidecar.reviewTree';
/** Milliseconds without a question after which VS Code has asked for all rows. */
const CALM_MS = 600;
/** Milliseconds in which the rows that a view was opened with have come. */
const LONGEST = 2_000;

export class ReviewView implements TreeDataProvider<Row>, Disposable {
  private readonly changed = new EventEmitter<undefined>();
  private readonly view: TreeView<Row>;
  private rows: readonly Row[] = [];
  private parents = new Map<string, Row>();
  private drawn = '';
  private timer: NodeJS.Timeout | undefined;
  private more = false;
  private entered = false;

  readonly onDidChangeTreeData = this.changed.event;

  constructor() {
    this.view = window.createTreeView(REVIEW_VIEW, { treeDataProvider: this, showCollapseAll: true });
  }

  /** Shows these folders. Rows that stay keep their selection and whether they are open. */
  show(folders: readonly FolderView[], order: Order, view: View): void {
    this.rows = rowsOf(folders, order);
    this.parents = new Map(this.rows.flatMap((row) => parentsOf(row)));
    const count = countAbove(folders);
    this.view.badge = count === 0 ? undefined : { value: count, tooltip: count === 1 ? '1 open comment' : `${count} open comments` };
    const [only] = folders;
    this.view.description = folders.length === 1 ? (only?.outline?.scope.title ?? '') : '';
    this.view.message = this.rows.length > 0 && folders.length === 1 ? (headline(only) ?? '') : '';
    const state = stateOf(view, folders.some(({ outline }) => outline !== undefined));
    void commands.executeCommand('setContext', 'sidecar.state', state);
    const drawing = JSON.stringify([this.rows, state]);
    if (drawing === this.drawn) return;
    this.drawn = drawing;
    if (this.timer) this.more = true;
    else this.draw();
  }

  /**
   * Lets VS Code ask for the rows. While it asks it is told of nothing new: what came is drawn afterwards, and once more where a row was
   * brought into sight meanwhile. Its questions come in batches, and such an interruption mixes up whose answer is whose.
   */
  private draw(): void {
    this.more = false;
    this.changed.fire(undefined);
    this.wait();
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.more) this.draw();
    }, CALM_MS);
  }

  /** Marks the row of a thread where the view is in sight; it is not brought into sight, and the focus stays. */
  async mark(threadId: string): Promise<void> {
    const row = rowOfThread(this.rows, threadId);
    if (row && this.view.visible) await this.reveal(row, { select: true, focus: false, expand: false });
  }

  /** Brings the view into sight and the focus into it; the first time to its first row, which the editor by itself leaves out. */
  async enter(): Promise<void> {
    for (const end = Date.now() + LONGEST; !this.entered && this.rows.length > 0 && Date.now() < end; ) this.entered = await this.enterFirst();
    await commands.executeCommand(`${REVIEW_VIEW}.focus`);
  }

  /** Whether it could be done: the editor refuses a row that it has replaced since. */
  private enterFirst(): Thenable<boolean> {
    const [first] = this.rows;
    if (!first || this.selected) return Promise.resolve(true);
    return this.reveal(first, { select: false, focus: true, expand: false }).then(() => true, () => false);
  }

  private reveal(row: Row, how: { select: boolean; focus: boolean; expand: boolean }): Thenable<void> {
    if (this.timer) this.more = true;
    return this.view.reveal(row, how);
  }

  /** The row that a command without an argument is about. */
  get selected(): Row | undefined {
    return this.view.selection[0];
  }

  getChildren(row?: Row): Row[] {
    // Asked by itself, as when the view comes into sight: with several folders VS Code may give the children of one file to a folder,
    // since it takes what it has kept of the first folder for an answer to all. A second drawing is asked for afresh.
    if (!this.timer && this.rows.some(({ kind }) => kind === 'folder')) this.more = true;
    if (this.timer || this.more) this.wait();
    return [...(row ? row.children : this.rows)];
  }

  getParent(row: Row): Row | undefined {
    return this.parents.get(row.id);
  }

  getTreeItem(row: Row): TreeItem {
    const item = new TreeItem(row.label, collapsible(row));
    item.id = row.id;
    item.description = row.description;
    item.tooltip = new MarkdownString(row.tooltip.split('\n\n').map(escapeMarkdown).join('\n\n'));
    item.accessibilityInformation = { label: row.spoken };
    item.contextValue = row.context;
    item.iconPath = new ThemeIcon(row.icon, colour(row));
    if (row.kind !== 'folder') item.command = { command: row.kind === 'file' ? 'sidecar.change.diff' : 'sidecar.thread.goTo', title: 'Open', arguments: [row] };
    return item;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.view.dispose();
    this.changed.dispose();
  }
}

function collapsible(row: Row): TreeItemCollapsibleState {
  if (row.children.length === 0) return TreeItemCollapsibleState.None;
  return row.expanded ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
}

/** Colours tell what icon and word tell, too. */
function colour({ band, kind }: Row): ThemeColor | undefined {
  if (kind === 'folder') return undefined;
  return new ThemeColor(band ? `sidecar.risk.${band}` : 'descriptionForeground');
}
