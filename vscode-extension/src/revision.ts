/** Texts of files that are not the working tree's: read-only documents that the server gives, and the diff editor on them. */

import { type Disposable, EventEmitter, Range, type TextDocumentContentProvider, type TextDocumentShowOptions, Uri, commands, window, workspace } from 'vscode';

import type { FileItem } from './protocol';

/** The scheme of these documents; the path is the file's own, the query the side of the diff. */
export const REVISION = 'sidecar-revision';

/** The side of a diff that a document shows: one of ours, or the git extension's own; undefined for any other document. */
export function revisionOf(uri: Uri): string | undefined {
  if (uri.scheme === REVISION) return uri.query;
  if (uri.scheme !== 'git') return undefined;
  const ref = /"ref":"([0-9a-f]{40,64}|)"/.exec(uri.query)?.[1];
  return ref === '' ? 'index' : ref;
}

/** Where the texts come from. */
export interface Library {
  ask(method: 'sidecar/review/text', params: { readonly uri: string }): Promise<{ readonly text: string }>;
}

export class Revisions implements TextDocumentContentProvider, Disposable {
  private readonly changed = new EventEmitter<Uri>();
  private readonly registration = workspace.registerTextDocumentContentProvider(REVISION, this);

  readonly onDidChange = this.changed.event;

  constructor(private readonly library: Library) {}

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const { text } = await this.library.ask('sidecar/review/text', { uri: uri.toString() });
    return text;
  }

  /** What is staged may be another text now; commits stay what they are. */
  refresh(): void {
    for (const { uri } of workspace.textDocuments) if (revisionOf(uri) === 'index') this.changed.fire(uri);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}

/** Shows what a file was and is, side by side, at a line of the new side. */
export async function openChanges(file: FileItem, scope: string, line?: number, preserveFocus = true): Promise<void> {
  const options: TextDocumentShowOptions = { preserveFocus, preview: true, ...(line === undefined ? {} : { selection: new Range(line, 0, line, 0) }) };
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  await commands.executeCommand('vscode.diff', Uri.parse(file.oldUri), Uri.parse(file.newUri), `${name} (${scope})`, options);
}

/** Shows a file as it is in the working tree; where it is gone, its last text. */
export async function openFile(file: FileItem, line?: number, preserveFocus = true): Promise<void> {
  const options: TextDocumentShowOptions = { preserveFocus, preview: true, ...(line === undefined ? {} : { selection: new Range(line, 0, line, 0) }) };
  const there = await workspace.fs.stat(Uri.parse(file.uri)).then(() => true, () => false);
  await window.showTextDocument(Uri.parse(there ? file.uri : file.status === 'deleted' ? file.oldUri : file.newUri), options);
}
