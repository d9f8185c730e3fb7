import assert from 'node:assert/strict';
import { test } from 'node:test';

import { placed } from '../../src/lines';
import type { LineEditItem } from '../../src/protocol';

/** What an editor makes of a text. */
function edited(text: string, edit: LineEditItem): string {
  const lines = text.split('\n');
  const { start, end, text: put } = placed(edit, lines.map(({ length }) => length));
  const offset = ([line, character]: readonly [number, number]): number => lines.slice(0, line).reduce((sum, { length }) => sum + length + 1, 0) + character;
  return text.slice(0, offset(start)) + put + text.slice(offset(end));
}

/** The same by lines. */
function wanted(text: string, { startLine, lineCount, lines }: LineEditItem): string {
  const all = text.split('\n');
  all.splice(startLine, lineCount, ...lines);
  return all.join('\n');
}

/** Every edit that a text of so many lines can have; one line is always left. */
function* edits(count: number): Generator<LineEditItem> {
  for (let startLine = 0; startLine <= count; startLine += 1) {
    for (let lineCount = 0; startLine + lineCount <= count; lineCount += 1) {
      for (const lines of lineCount === count ? [['x'], ['x', '']] : [[], ['x'], ['', 'y']]) yield { startLine, lineCount, lines };
    }
  }
}

for (const text of ['', 'a', 'a\n', 'a\nb', 'a\nb\n', '\n\n', 'a\n\nb\nc\n']) {
  test(`every edit of ${JSON.stringify(text)} is the one that was meant`, () => {
    for (const edit of edits(text.split('\n').length)) assert.equal(edited(text, edit), wanted(text, edit), JSON.stringify(edit));
  });
}
