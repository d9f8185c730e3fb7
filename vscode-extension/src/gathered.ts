/** The threads of all folders of the window as one set, each on the document where it is to be seen. Pure, does not know `vscode`. */

import type { Band, ThreadItem, ThreadsChanged } from './protocol';
import { visible } from './reconcile';

/** A folder's threads and what the user wants to see of them. */
interface Folder {
  readonly items: Map<string, ThreadItem>;
  floor: Band;
}

/** What decides where a thread is shown, and by whom. */
export interface Window {
  /** The folder of the window that a document lies in, by its key. */
  readonly folderOf: (uri: string) => string | undefined;
  /** The URI of an open document that shows the text with this one, whoever gave it. */
  readonly openAs: (uri: string) => string | undefined;
}

export class Gathered {
  private readonly folders = new Map<string, Folder>();

  constructor(private readonly window: Window) {}

  /** Takes what a folder's server says. An item older than the one that is known is ignored. */
  take(folder: string, change: ThreadsChanged): void {
    const { items } = this.of(folder);
    if (change.full) items.clear();
    for (const id of change.removes) items.delete(id);
    for (const item of change.upserts) {
      const known = items.get(item.id);
      if (!known || item.revision >= known.revision) items.set(item.id, item);
    }
  }

  /** From which risk upwards a folder's threads are shown. */
  setFloor(folder: string, floor: Band): void {
    this.of(folder).floor = floor;
  }

  /** Forgets a folder that is no longer part of the window. */
  drop(folder: string): void {
    this.folders.delete(folder);
  }

  /** Whose thread this is. */
  ownerOf(id: string): string | undefined {
    for (const [folder, { items }] of this.folders) if (items.has(id)) return folder;
    return undefined;
  }

  /** The threads to show, each once and where it is to be seen. */
  shown(): readonly ThreadItem[] {
    const seen = new Set<string>();
    const found: ThreadItem[] = [];
    for (const folder of this.folders.keys()) {
      for (const item of this.shownOf(folder)) {
        const place = `${item.uri} ${item.startLine} ${item.endLine} ${item.band}`;
        // Two folders of one repository both know what lies in neither of them.
        if (this.folders.size > 1 && seen.has(place) && this.homeOf(item) === undefined) continue;
        seen.add(place);
        found.push(item);
      }
    }
    return found;
  }

  /** Those of one folder. What lies in another folder of the window is shown by that one. */
  shownOf(folder: string): readonly ThreadItem[] {
    const { items, floor } = this.of(folder);
    return [...items.values()].filter((item) => visible(item, floor) && this.isOwn(folder, item)).map((item) => this.placed(item));
  }

  /** A thread where it is to be seen: in the text of its revision while that is open, else where the server says. */
  placed(item: ThreadItem): ThreadItem {
    const { inRevision } = item;
    const uri = inRevision && this.window.openAs(inRevision.uri);
    return uri ? { ...item, ...inRevision, uri } : item;
  }

  private isOwn(folder: string, item: ThreadItem): boolean {
    const home = this.homeOf(item);
    return home === undefined || home === folder || !this.folders.has(home);
  }

  private homeOf(item: ThreadItem): string | undefined {
    return this.window.folderOf(item.uri);
  }

  private of(folder: string): Folder {
    const known = this.folders.get(folder) ?? { items: new Map<string, ThreadItem>(), floor: 'low' };
    this.folders.set(folder, known);
    return known;
  }
}
