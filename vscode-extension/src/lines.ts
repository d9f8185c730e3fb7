/** From edits of whole lines to ranges of a text. Pure, does not know `vscode`. */

import type { LineEditItem } from './protocol';

/** A range, each end as line and character from 0, and what to put there. */
export interface Placed {
  readonly start: readonly [line: number, character: number];
  readonly end: readonly [line: number, character: number];
  readonly text: string;
}

/**
 * Where an edit of lines stands in a text whose lines have these lengths (the one behind the last line end is one of them).
 *
 * Line ends are written as LF; the editor makes its own of them. At the end of the text the line end before the first line
 * belongs to the edit, since there is none behind the last.
 */
export function placed({ startLine, lineCount, lines }: LineEditItem, lengths: readonly number[]): Placed {
  const end = startLine + lineCount;
  if (end < lengths.length) {
    return { start: [startLine, 0], end: [end, 0], text: lines.map((line) => `${line}\n`).join('') };
  }
  const last: Placed['end'] = [lengths.length - 1, lengths.at(-1) ?? 0];
  if (startLine === 0) return { start: [0, 0], end: last, text: lines.join('\n') };
  return { start: [startLine - 1, lengths[startLine - 1] ?? 0], end: last, text: lines.map((line) => `\n${line}`).join('') };
}
