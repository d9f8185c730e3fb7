/** Links to what a comment rests on. A link names a comment's evidence by number and holds no text of the repository. Pure. */

import type { CommentItem, EvidenceItem } from './protocol';
import { escapeMarkdown } from './words';

/** The command behind each link. */
export const EVIDENCE = 'sidecar.evidence';

/** What a link's command is given. */
export type EvidenceName = readonly [thread: string, comment: string, number: number];

/** The links of a comment as one line of Markdown; empty without any. Only our own comments have some. */
export function evidenceLinks(thread: string, item: CommentItem): string {
  if (item.author !== 'sidecar' || item.evidence.length === 0) return '';
  const links = item.evidence.map(({ kind, label }, number) => {
    const name: EvidenceName = [thread, item.id, number];
    const target = encodeURIComponent(JSON.stringify(name)).replace(/[()]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
    return `[${kind} ${escapeMarkdown(label)}](command:${EVIDENCE}?${target})`;
  });
  return `Evidence: ${links.join(' · ')}`;
}

/** Text in which no link to a command lives, however it is written. */
export function defused(text: string): string {
  return text.replace(/c(?:ommand|&#\S+?;\w*)\s*(?=:|&colon;|&#)/gi, (word) => `${word}\u200b`);
}

/** A comment's evidence by the name in a link; undefined for whatever is no such name. */
export function evidenceAt(named: readonly unknown[], comments: (thread: string) => readonly CommentItem[]): EvidenceItem | undefined {
  const [thread, comment, number] = named;
  if (typeof thread !== 'string' || typeof comment !== 'string' || typeof number !== 'number') return undefined;
  const found = comments(thread).find(({ id, author }) => id === comment && author === 'sidecar')?.evidence[number];
  if (found?.kind === 'commit') return /^[0-9a-f]{7,64}$/.test(found.commit) ? found : undefined;
  return found?.uri.startsWith('file:///') ? found : undefined;
}
