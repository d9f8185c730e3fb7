/** Ways to the places of a change: from a row of the tree, from one risk to the next, to a file or its diff. */

import { Range, Uri, type WorkspaceFolder, window } from 'vscode';

import type { Threads } from './comments';
import type { Fleet } from './fleet';
import type { Folder } from './folder';
import type { ThreadItem } from './protocol';
import { neighbour } from './reconcile';
import { openChanges, openFile, revisionOf } from './revision';
import type { ReviewView } from './reviewview';
import type { Row } from './tree';

export class Visits {
  constructor(
    private readonly fleet: Fleet,
    private readonly threads: Threads,
    private readonly view: ReviewView,
  ) {}

  /** Goes to the next open thread, or to the one before, over all files and folders. */
  async go(direction: 'next' | 'previous'): Promise<void> {
    const editor = window.activeTextEditor;
    const place = editor && { uri: editor.document.uri.toString(), line: editor.selection.active.line };
    const item = neighbour(this.threads.items(), place, direction, this.fleet.of()?.settings.order);
    if (item) await this.thread(item);
    else window.setStatusBarMessage('$(shield) Sidecar: no open comments', 5_000);
  }

  /** Goes to the view of all places. */
  async all(): Promise<void> {
    await this.view.enter();
  }

  /** Shows a place of the tree: a thread opened, a file's changes, the lines of a place without a comment. */
  async row(row: Row | undefined): Promise<void> {
    const chosen = row ?? this.view.selected;
    if (chosen?.thread) await this.thread(chosen.thread);
    else if (chosen?.kind === 'hunk') await this.lines(chosen);
    else await this.changes(chosen);
  }

  /** Opens what a file was and is, side by side. */
  async changes(row: Row | undefined): Promise<void> {
    const { file, folder, line, kind, context } = this.chosen(row);
    if (kind === 'file' && !context.includes('changes')) await openFile(file);
    else await openChanges(file, this.title(folder), line, kind === 'file');
  }

  /** Opens the file of the working tree. */
  async file(row: Row | undefined): Promise<void> {
    const { file, thread, line } = this.chosen(row);
    const there = thread && !revisionOf(Uri.parse(thread.uri)) ? thread.startLine : line;
    await openFile(file, there);
  }

  /** The folder that a command is about: that of the row, the only one, or the one that the user picks. */
  async folder(row: Row | undefined): Promise<Folder | undefined> {
    const all = this.fleet.all();
    if (row) return all.find(({ key }) => key === row.folder);
    if (all.length <= 1) return all[0];
    const picked: WorkspaceFolder | undefined = await window.showWorkspaceFolderPick({ placeHolder: 'Which folder?' });
    return picked && this.fleet.of(picked.uri);
  }

  private async thread(item: ThreadItem): Promise<void> {
    const view = this.fleet.views().find(({ threads }) => threads.some(({ id }) => id === item.id));
    const side = revisionOf(Uri.parse(item.uri));
    const file = view?.outline?.files.find(({ newUri }) => newUri === item.inRevision?.uri);
    if (side === undefined || !file) await this.threads.reveal(item);
    else {
      await openChanges(file, view?.outline?.scope.title ?? '', item.startLine, false);
      this.threads.expand(item.id);
    }
    await this.view.mark(item.id);
  }

  private async lines(row: Row): Promise<void> {
    const { file, folder, line } = this.chosen(row);
    if (file.newUri !== file.uri) await openChanges(file, this.title(folder), line);
    else await window.showTextDocument(Uri.parse(file.uri), { preserveFocus: true, selection: new Range(line ?? 0, 0, line ?? 0, 0) });
  }

  private chosen(row: Row | undefined): Row & { readonly file: NonNullable<Row['file']> } {
    const chosen = row ?? this.view.selected;
    if (!chosen?.file) throw new Error('Select a file in the view "Review" first.');
    return { ...chosen, file: chosen.file };
  }

  private title(key: string): string {
    return this.fleet.all().find((each) => each.key === key)?.outline?.scope.title ?? 'Working tree';
  }
}
