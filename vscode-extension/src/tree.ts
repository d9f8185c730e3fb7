/** The tree "Review" as values: folders, files and places with their words, icons and ids. Pure, does not know `vscode`. */

import type { Band, FileItem, OutlineItem, ThreadItem } from './protocol';
import { type Order, inOrder, reaches } from './reconcile';
import { cases, gravity, isScored, riskWord } from './words';

/** A row of the tree. `id` stays the same over looks at the change; `spoken` is what a screen reader says. */
export interface Row {
  readonly id: string;
  readonly kind: 'folder' | 'file' | 'thread' | 'hunk';
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  readonly spoken: string;
  /** How grave it is; undefined where there is no score. */
  readonly band: Band | undefined;
  /** A codicon; in the colour of the band. */
  readonly icon: string;
  /** The words that menus ask for. */
  readonly context: string;
  readonly expanded: boolean;
  readonly folder: string;
  readonly file?: FileItem;
  readonly thread?: ThreadItem;
  /** First line of the place in the reviewed text, from 0. */
  readonly line?: number;
  readonly children: readonly Row[];
}

/** What a folder has to show. */
export interface FolderView {
  readonly key: string;
  readonly name: string;
  readonly outline: OutlineItem | undefined;
  readonly threads: readonly ThreadItem[];
  readonly floor: Band;
}

const ICONS: Readonly<Record<Band, string>> = { low: 'circle-outline', medium: 'info', high: 'warning', critical: 'error' };
const STATUS: Readonly<Record<FileItem['status'], string>> = {
  added: 'added',
  deleted: 'deleted',
  modified: '',
  renamed: 'renamed',
  copied: 'copied',
  'type-changed': 'changed in kind',
};
const MOST_GIST = 90;

/** The rows: a folder's files at the top, or the folders where there are several. */
export function rowsOf(folders: readonly FolderView[], order: Order): readonly Row[] {
  const [only] = folders;
  if (folders.length === 1 && only) return filesOf(only, order);
  return folders.map((folder) => folderRow(folder, filesOf(folder, order)));
}

/** How many open threads are at or above the floor. */
export function countAbove(folders: readonly FolderView[]): number {
  return folders.flatMap(({ threads, floor }) => threads.filter((item) => item.state === 'open' && reaches(item.band, floor))).length;
}

/** What stands above the rows of a folder: the change's risk in words. */
export function headline(folder: FolderView | undefined): string | undefined {
  const { score, band } = folder?.outline ?? {};
  const scope = folder?.outline?.scope.title ?? '';
  const risk = band && typeof score === 'number' ? `${riskWord(band)}: ${cases(score)} changes like it were repaired later` : '';
  return [scope, risk].filter(Boolean).map((part) => `${part}.`).join(' ') || undefined;
}

/** Each row below another one, by its id, with that one. */
export function parentsOf(row: Row): readonly (readonly [id: string, parent: Row])[] {
  return row.children.flatMap((child) => [[child.id, row] as const, ...parentsOf(child)]);
}

/** The row of a thread. */
export function rowOfThread(rows: readonly Row[], id: string): Row | undefined {
  for (const row of rows) {
    if (row.thread?.id === id) return row;
    const inner = rowOfThread(row.children, id);
    if (inner) return inner;
  }
  return undefined;
}

/** Lines as people count them, from 1. */
export function lines(startLine: number, endLine: number): string {
  return startLine === endLine ? `line ${startLine + 1}` : `lines ${startLine + 1}–${endLine + 1}`;
}

/** What a thread is about, in one line without markup: the beginning of its first comment, or its title. */
export function gist(item: ThreadItem): string {
  const [first = ''] = linesOf(item);
  return short(plain(first.replace(/^\*\*[^*]*risk\.\*\*\s*/i, '')) || item.title || riskWord(item.band)); // the risk is told by icon and word
}

/** What a thread says of its own lines: where others of its file begin with the same words, the next reason. */
function ownGist(item: ThreadItem, shared: ReadonlySet<string>): string {
  const said = gist(item);
  if (!shared.has(said)) return said;
  const reasons = linesOf(item).filter((line) => line.startsWith('- ')).map((line) => short(plain(line.slice(2))));
  return reasons[0] ?? said;
}

function linesOf(item: ThreadItem): readonly string[] {
  return (item.comments[0]?.body ?? '').split('\n');
}

function plain(markdown: string): string {
  return markdown
    .replace(/\*\*/g, '')
    .replace(/\\([\\`*_{}[\]()#+\-.!<>~|:&])/g, '$1')
    .replace(/`/g, '')
    .trim();
}

function short(text: string): string {
  return text.length > MOST_GIST ? `${text.slice(0, MOST_GIST - 1)}…` : text;
}

function folderRow(folder: FolderView, children: readonly Row[]): Row {
  const { key, name, outline } = folder;
  const band = outline?.band ?? undefined;
  const open = folder.threads.filter((item) => item.state === 'open').length;
  const description = [band && children.length > 0 ? riskWord(band) : '', outline?.scope.title ?? '', children.length === 0 ? 'nothing to review' : '']
    .filter(Boolean)
    .join(' · ');
  return {
    id: idOf(`folder ${key}`, children),
    kind: 'folder',
    label: name,
    description,
    tooltip: [name, description].join(': '),
    spoken: [name, description, comments(open)].join(', '),
    band,
    icon: 'root-folder',
    context: 'folder',
    expanded: true,
    folder: key,
    children,
  };
}

/** VS Code leaves a row shut that had no rows below it when it was first drawn; with its first ones it is another row. */
function idOf(name: string, children: readonly Row[]): string {
  return children.length > 0 ? name : `${name} (empty)`;
}

function filesOf({ key, outline, threads }: FolderView, order: Order): readonly Row[] {
  const files = outline?.files ?? [];
  const left = new Map(threads.map((item) => [item.id, item]));
  const rows = files.map((file) => {
    const own = threads.filter((item) => isOf(file, item));
    for (const item of own) left.delete(item.id);
    return fileRow(key, file, own, order);
  });
  // What somebody said about a file stays in reach when the file is no longer part of the change.
  const others = [...new Set([...left.values()].map((item) => item.uri))].map((uri) =>
    fileRow(key, elsewhere(uri, outline?.root ?? ''), [...left.values()].filter((item) => item.uri === uri), order),
  );
  const all = [...rows, ...others];
  return order === 'risk' ? all : all.sort((a, b) => ((a.file?.path ?? '') < (b.file?.path ?? '') ? -1 : 1));
}

function isOf(file: FileItem, item: ThreadItem): boolean {
  return [file.uri, file.newUri].includes(item.uri) || item.inRevision?.uri === file.newUri;
}

function elsewhere(uri: string, root: string): FileItem {
  const path = decodeURIComponent(uri.startsWith(`${root}/`) ? uri.slice(root.length + 1) : uri.replace(/^[\w-]+:\/*/, '/').replace(/\?.*$/, ''));
  return { path, oldPath: null, status: 'modified', added: 0, removed: 0, score: null, band: null, why: 'not part of this change', uri, oldUri: uri, newUri: uri, hunks: [] };
}

function fileRow(folder: string, file: FileItem, threads: readonly ThreadItem[], order: Order): Row {
  const cut = file.path.lastIndexOf('/');
  const label = file.path.slice(cut + 1);
  const where = file.path.slice(0, Math.max(0, cut));
  const band = gravest(file.band ?? undefined, threads);
  const word = band ? riskWord(band) : file.why || 'not scored';
  const counts = file.added + file.removed > 0 ? `+${file.added} −${file.removed}` : '';
  const open = threads.filter((item) => item.state === 'open').length;
  const children = placesOf(folder, file, threads, order);
  return {
    id: idOf(`file ${folder} ${file.path}`, children),
    kind: 'file',
    label,
    description: [word, where, STATUS[file.status], counts].filter(Boolean).join(' · '),
    tooltip: [file.path, scoreWords(file), file.oldPath ? `was ${file.oldPath}` : '', comments(open)].filter(Boolean).join('\n\n'),
    spoken: [label, word, where && `in ${where}`, STATUS[file.status], spokenCounts(file), comments(open)].filter(Boolean).join(', '),
    band,
    icon: band ? ICONS[band] : 'circle-slash',
    context: ['file', file.status, isComparable(file) ? 'changes' : ''].filter(Boolean).join(' '),
    expanded: open > 0,
    folder,
    file,
    children,
  };
}

/** A row is never less grave than an open comment below it, which tells its places by what the whole change risks. */
function gravest(own: Band | undefined, threads: readonly ThreadItem[]): Band | undefined {
  const bands = threads.filter(({ state }) => state === 'open').map(({ band }) => band);
  return own && bands.reduce((most, band) => (reaches(band, most) ? band : most), own);
}

function placesOf(folder: string, file: FileItem, threads: readonly ThreadItem[], order: Order): readonly Row[] {
  const covered = (hunk: FileItem['hunks'][number]): boolean =>
    threads.some((item) => {
      const { startLine, endLine } = item.inRevision ?? item;
      return startLine <= hunk.endLine && hunk.startLine <= endLine;
    });
  const said = threads.map(gist);
  const shared = new Set(said.filter((each, place) => said.indexOf(each) !== place));
  const rows = [
    ...inOrder(threads, order).map((item) => threadRow(folder, file, item, ownGist(item, shared))),
    ...file.hunks.filter((hunk) => !covered(hunk)).map((hunk) => hunkRow(folder, file, hunk)),
  ];
  return order === 'risk' ? rows : rows.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function threadRow(folder: string, file: FileItem, item: ThreadItem, own: string): Row {
  const resolved = item.state === 'resolved';
  const said = item.comments.length > 1 ? `${item.comments.length} comments` : '';
  const place = capital(lines(item.startLine, item.endLine));
  const state = [resolved ? 'resolved' : '', item.outdated ? 'outdated' : ''];
  const marks = [...state, gravity(item), gist(item), said].filter(Boolean);
  return {
    id: `thread ${item.id}`,
    kind: 'thread',
    label: place,
    // What is cut off in a narrow view is the word that the icon tells, too.
    description: [...state, own, gravity(item), said].filter(Boolean).join(' · '),
    tooltip: [`${place} of ${file.path}`, marks.join(' · '), isScored(item) ? `${cases(item.score)} like it were repaired later` : ''].filter(Boolean).join('\n\n'),
    spoken: [`Comment on ${lines(item.startLine, item.endLine)}`, ...marks].join(', '),
    band: resolved ? undefined : item.band,
    icon: resolved ? 'pass' : ICONS[item.band],
    context: ['thread', resolved ? 'resolved' : 'unresolved', item.outdated ? 'outdated' : ''].filter(Boolean).join(' '),
    expanded: false,
    folder,
    file,
    thread: item,
    line: (item.inRevision ?? item).startLine,
    children: [],
  };
}

function hunkRow(folder: string, file: FileItem, hunk: FileItem['hunks'][number]): Row {
  const label = capital(lines(hunk.startLine, hunk.endLine));
  return {
    id: `hunk ${folder} ${file.path} ${hunk.startLine}`,
    kind: 'hunk',
    label,
    description: [hunk.reason, riskWord(hunk.band)].filter(Boolean).join(' · '),
    tooltip: [label, riskWord(hunk.band), hunk.reason, `${cases(hunk.score)} like it were repaired later`].filter(Boolean).join('\n\n'),
    spoken: [label, riskWord(hunk.band), hunk.reason, 'no comment'].filter(Boolean).join(', '),
    band: hunk.band,
    icon: 'circle-small-filled',
    context: 'hunk',
    expanded: false,
    folder,
    file,
    line: hunk.startLine,
    children: [],
  };
}

/** A text that begins a sentence. */
export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function isComparable(file: FileItem): boolean {
  return file.newUri !== file.oldUri && !['binary', 'submodule', 'too large'].includes(file.why);
}

function scoreWords(file: FileItem): string {
  return file.band && file.score !== null ? `${riskWord(file.band)}: ${cases(file.score)} changes like it were repaired later` : file.why;
}

function spokenCounts(file: FileItem): string {
  return file.added + file.removed > 0 ? `${file.added} ${file.added === 1 ? 'line' : 'lines'} added, ${file.removed} removed` : '';
}

function comments(open: number): string {
  return open === 0 ? 'no open comments' : open === 1 ? '1 open comment' : `${open} open comments`;
}
