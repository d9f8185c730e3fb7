/** Decides which threads to create, update and dispose, and which comes next; pure, does not know `vscode`. */

import type { Band, ThreadItem, ThreadsChanged } from './protocol';

const ORDER: readonly Band[] = ['low', 'medium', 'high', 'critical'];

/** What is to be done to the threads on show. */
export interface Plan {
  readonly create: readonly ThreadItem[];
  readonly update: readonly ThreadItem[];
  readonly dispose: readonly string[];
}

/** Whether a band is at least as grave as the floor. */
export function reaches(band: Band, floor: Band): boolean {
  return ORDER.indexOf(band) >= ORDER.indexOf(floor);
}

/**
 * What must be done to the threads on show (`known`) so that they are what the server says.
 *
 * Threads under the `floor` are not shown, unless somebody has spoken in them. An item older than the one on show is
 * ignored; one that differs in nothing but its revision is not touched, so that no half-written reply is disturbed.
 */
export function reconcile(known: ReadonlyMap<string, ThreadItem>, change: ThreadsChanged, floor: Band): Plan {
  const create: ThreadItem[] = [];
  const update: ThreadItem[] = [];
  const dispose = new Set(change.removes.filter((id) => known.has(id)));
  const named = new Set(change.upserts.map((item) => item.id));
  if (change.full) {
    for (const id of known.keys()) if (!named.has(id)) dispose.add(id);
  }
  for (const item of change.upserts) {
    const shown = known.get(item.id);
    if (!visible(item, floor)) {
      if (shown) dispose.add(item.id);
    } else if (!shown) {
      create.push(item);
    } else if ((change.full || item.revision >= shown.revision) && !sameToSee(shown, item)) {
      update.push(item);
    }
  }
  return { create, update, dispose: [...dispose] };
}

/** A place in the workspace; lines count from 0. */
export interface Place {
  readonly uri: string;
  readonly line: number;
}

/** In which order risks are visited and listed. */
export type Order = 'risk' | 'position';

/**
 * The open thread after (or before) a place in an order, going round at the end; undefined when none is open. Without
 * a place the first, or the last. By risk a place counts only where it is on a thread: from elsewhere one begins at
 * the gravest.
 */
export function neighbour(
  items: Iterable<ThreadItem>,
  place: Place | undefined,
  direction: 'next' | 'previous',
  order: Order = 'position',
): ThreadItem | undefined {
  const open = inOrder([...items].filter((item) => item.state === 'open'), order);
  if (order === 'position') return place === undefined ? open.at(direction === 'next' ? 0 : -1) : beside(open, place, direction);
  const at = place === undefined ? -1 : open.findIndex((item) => holds(item, place));
  if (at < 0) return open.at(direction === 'next' ? 0 : -1);
  return open.at(direction === 'next' ? (at + 1) % open.length : at - 1);
}

/** Threads by risk (the gravest first), or by file and line. */
export function inOrder(items: readonly ThreadItem[], order: Order): ThreadItem[] {
  const byPlace = [...items].sort((a, b) => compare(start(a), start(b)));
  return order === 'position' ? byPlace : byPlace.sort((a, b) => ORDER.indexOf(b.band) - ORDER.indexOf(a.band) || b.score - a.score);
}

function beside(open: readonly ThreadItem[], place: Place, direction: 'next' | 'previous'): ThreadItem | undefined {
  return direction === 'next'
    ? (open.find((item) => compare(start(item), place) > 0) ?? open[0])
    : (open.findLast((item) => compare(start(item), place) < 0) ?? open.at(-1));
}

/** The thread that a line belongs to: the shortest one over it, open before resolved; undefined where there is none. */
export function atLine(items: Iterable<ThreadItem>, uri: string, line: number): ThreadItem | undefined {
  const over = [...items].filter((item) => item.uri === uri && item.startLine <= line && line <= item.endLine);
  const rank = (item: ThreadItem): number => (item.state === 'open' ? 0 : 1_000_000) + item.endLine - item.startLine;
  return over.sort((a, b) => rank(a) - rank(b))[0];
}

function holds(item: ThreadItem, place: Place): boolean {
  return item.uri === place.uri && item.startLine <= place.line && place.line <= item.endLine;
}

function start(item: ThreadItem): Place {
  return { uri: item.uri, line: item.startLine };
}

function compare(a: Place, b: Place): number {
  if (a.uri !== b.uri) return a.uri < b.uri ? -1 : 1;
  return a.line - b.line;
}

/** Whether a thread is shown under a floor: it reaches it, or somebody has spoken in it. */
export function visible(item: ThreadItem, floor: Band): boolean {
  return reaches(item.band, floor) || item.comments.some((comment) => comment.author === 'user');
}

function sameToSee(a: ThreadItem, b: ThreadItem): boolean {
  return JSON.stringify({ ...a, revision: 0 }) === JSON.stringify({ ...b, revision: 0 });
}
