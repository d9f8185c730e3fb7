/** The threads of several folders as one set, each once and on the document where it is to be seen. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Gathered } from '../../src/gathered';
import type { ThreadItem } from '../../src/protocol';
import { changed, comment, thread } from './make';

const A = 'file:///w/a';
const B = 'file:///w/a/b';

function gathered(open: Readonly<Record<string, string>> = {}): Gathered {
  return new Gathered({
    folderOf: (uri) => [B, A].find((folder) => uri.startsWith(`${folder}/`)),
    openAs: (uri) => open[uri],
  });
}

const ids = (items: readonly ThreadItem[]): string[] => items.map(({ id }) => id);

test('a folder takes what its server says, and what is older than what it knows is ignored', () => {
  const all = gathered();
  all.take(A, changed({ full: true, upserts: [thread({ id: '1', revision: 5 }), thread({ id: '2', revision: 5 })] }));
  all.take(A, changed({ removes: ['2'], upserts: [thread({ id: '1', revision: 4, title: 'old' }), thread({ id: '3', revision: 6 })] }));
  assert.deepEqual(all.shown().map(({ id, title }) => [id, title === 'old']), [['1', false], ['3', false]]);
  assert.equal(all.ownerOf('3'), A);
  assert.equal(all.ownerOf('2'), undefined);
  all.take(A, changed({ full: true, upserts: [thread({ id: '1', revision: 1, title: 'new' })] }));
  assert.deepEqual(all.shown().map(({ title }) => title), ['new'], 'a server that was started anew counts from the beginning');
});

test('each folder has its own floor, and words of the user are above every floor', () => {
  const all = gathered();
  const items = [thread({ id: 'low', band: 'low' }), thread({ id: 'said', band: 'low', comments: [comment({ author: 'user' })] }), thread({ id: 'high' })];
  all.take(A, changed({ full: true, upserts: items }));
  assert.deepEqual(ids(all.shown()), ['low', 'said', 'high']);
  all.setFloor(A, 'medium');
  assert.deepEqual(ids(all.shown()), ['said', 'high']);
  all.drop(A);
  assert.deepEqual(all.shown(), []);
});

test('what lies in another folder of the window is shown by that one alone', () => {
  const all = gathered();
  const inside = (id: string): ThreadItem => thread({ id, uri: `${B}/x.py` });
  all.take(A, changed({ full: true, upserts: [inside('a1'), thread({ id: 'a2', uri: `${A}/y.py` })] }));
  assert.deepEqual(ids(all.shown()), ['a1', 'a2'], 'as long as the other one is no folder of the window');
  all.take(B, changed({ full: true, upserts: [inside('b1'), thread({ id: 'b2', uri: `${A}/y.py` })] }));
  assert.deepEqual(ids(all.shown()), ['a2', 'b1']);
  assert.deepEqual(ids(all.shownOf(B)), ['b1']);
});

test('what lies in no folder is shown once', () => {
  const all = gathered();
  const outside = (id: string): ThreadItem => thread({ id, uri: 'file:///w/other/x.py' });
  all.take(A, changed({ full: true, upserts: [outside('a')] }));
  all.take(B, changed({ full: true, upserts: [outside('b')] }));
  assert.deepEqual(ids(all.shown()), ['a']);
});

test('a thread stands in the text of its revision while that is open, under the name that it is open by', () => {
  const item = thread({ startLine: 8, endLine: 9, inRevision: { uri: 'sidecar-revision:/w/a/x.py?index', startLine: 4, endLine: 5 } });
  assert.equal(gathered().placed(item), item);
  assert.equal(gathered().placed(thread()).uri, thread().uri);
  const git = 'git:/w/a/x.py?{"path":"/w/a/x.py","ref":""}';
  const { uri, startLine, endLine } = gathered({ 'sidecar-revision:/w/a/x.py?index': git }).placed(item);
  assert.deepEqual([uri, startLine, endLine], [git, 4, 5]);
});
