import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { Band, ThreadItem, ThreadsChanged } from '../../src/protocol';
import { type Plan, atLine, inOrder, neighbour, reaches, reconcile } from '../../src/reconcile';
import { changed, comment, thread } from './make';

const a = thread({ id: 'a' });
const b = thread({ id: 'b', startLine: 20, endLine: 20 });
const NOTHING: Plan = { create: [], update: [], dispose: [] };

interface Case {
  readonly name: string;
  readonly known: readonly ThreadItem[];
  readonly change: ThreadsChanged;
  readonly floor?: Band;
  readonly plan: Partial<Plan>;
}

const moved = { ...a, startLine: 9, endLine: 11, revision: 2 };
const low = thread({ id: 'low', band: 'low' });
const discussed = { ...low, comments: [comment(), comment({ id: 'c2', author: 'user' })] };

const CASES: readonly Case[] = [
  { name: 'a first snapshot creates everything', known: [], change: changed({ upserts: [a, b], full: true }), plan: { create: [a, b] } },
  { name: 'the same snapshot again touches nothing', known: [a, b], change: changed({ upserts: [a, b], full: true }), plan: {} },
  { name: 'a snapshot removes what it does not name', known: [a, b], change: changed({ upserts: [b], full: true }), plan: { dispose: ['a'] } },
  { name: 'a delta leaves alone what it does not name', known: [a, b], change: changed({ upserts: [moved] }), plan: { update: [moved] } },
  { name: 'a delta removes by id', known: [a, b], change: changed({ removes: ['b'] }), plan: { dispose: ['b'] } },
  { name: 'removing what is not shown is nothing', known: [], change: changed({ removes: ['b'] }), plan: {} },
  { name: 'only the revision differs: not touched', known: [a], change: changed({ upserts: [{ ...a, revision: 7 }] }), plan: {} },
  { name: 'a late delta does not undo a newer state', known: [moved], change: changed({ upserts: [a] }), plan: {} },
  { name: 'a snapshot counts even with lower revisions (the server began anew)', known: [moved], change: changed({ upserts: [a], full: true }), plan: { update: [a] } },
  { name: 'under the floor: not shown', known: [], change: changed({ upserts: [low, a] }), floor: 'high', plan: { create: [a] } },
  { name: 'sunk under the floor: taken away', known: [{ ...low, band: 'high' }], change: changed({ upserts: [low] }), floor: 'medium', plan: { dispose: ['low'] } },
  { name: 'under the floor but discussed: shown', known: [], change: changed({ upserts: [discussed] }), floor: 'critical', plan: { create: [discussed] } },
  { name: 'a new comment updates', known: [low], change: changed({ upserts: [discussed] }), plan: { update: [discussed] } },
];

for (const { name, known, change, floor, plan } of CASES) {
  test(name, () => {
    const map = new Map(known.map((item) => [item.id, item]));
    assert.deepEqual(reconcile(map, change, floor ?? 'low'), { ...NOTHING, ...plan });
  });
}

test('a band reaches itself and everything below', () => {
  assert.equal(reaches('high', 'high'), true);
  assert.equal(reaches('critical', 'low'), true);
  assert.equal(reaches('medium', 'high'), false);
});

describe('the neighbouring risk', () => {
  const first = thread({ id: '1', uri: 'file:///w/a.py', startLine: 3 });
  const second = thread({ id: '2', uri: 'file:///w/a.py', startLine: 30 });
  const third = thread({ id: '3', uri: 'file:///w/b.py', startLine: 1 });
  const done = thread({ id: '4', uri: 'file:///w/b.py', startLine: 2, state: 'resolved' });
  const all = [third, done, second, first];
  const at = (uri: string, line: number): { uri: string; line: number } => ({ uri: `file:///w/${uri}`, line });

  test('goes on by line, then by file, then round', () => {
    assert.equal(neighbour(all, at('a.py', 0), 'next'), first);
    assert.equal(neighbour(all, at('a.py', 3), 'next'), second);
    assert.equal(neighbour(all, at('a.py', 30), 'next'), third);
    assert.equal(neighbour(all, at('b.py', 1), 'next'), first);
    assert.equal(neighbour(all, at('z.py', 0), 'next'), first);
  });

  test('goes back the same way', () => {
    assert.equal(neighbour(all, at('b.py', 1), 'previous'), second);
    assert.equal(neighbour(all, at('a.py', 30), 'previous'), first);
    assert.equal(neighbour(all, at('a.py', 3), 'previous'), third);
  });

  test('without a place: the first, or the last', () => {
    assert.equal(neighbour(all, undefined, 'next'), first);
    assert.equal(neighbour(all, undefined, 'previous'), third);
  });

  test('none when all are resolved', () => {
    assert.equal(neighbour([done], at('a.py', 0), 'next'), undefined);
  });
});

test('the thread at a line is the shortest open one over it', () => {
  const long = thread({ id: 'long', startLine: 0, endLine: 30 });
  const done = thread({ id: 'done', startLine: 5, endLine: 5, state: 'resolved' });
  const at = (line: number): string | undefined => atLine([long, done, a, b], a.uri, line)?.id;
  assert.deepEqual([0, 4, 5, 6, 7, 20, 31].map(at), ['long', 'a', 'a', 'a', 'long', 'b', undefined]);
  assert.equal(atLine([done], a.uri, 5)?.id, 'done');
  assert.equal(atLine([a], 'file:///w/other.py', 5), undefined);
});

describe('the order of risk', () => {
  const all = [
    thread({ id: 'low', uri: 'file:///w/a.py', startLine: 1, endLine: 1, band: 'low', score: 0.1 }),
    thread({ id: 'grave', uri: 'file:///w/z.py', startLine: 9, endLine: 12, band: 'critical', score: 0.9 }),
    thread({ id: 'high', uri: 'file:///w/a.py', startLine: 5, endLine: 5, band: 'high', score: 0.6 }),
    thread({ id: 'done', uri: 'file:///w/a.py', startLine: 7, endLine: 7, band: 'critical', score: 0.99, state: 'resolved' }),
  ];
  const visit = (uri: string, line: number, direction: 'next' | 'previous'): string | undefined =>
    neighbour(all, { uri, line }, direction, 'risk')?.id;

  test('goes from the gravest to the least, over files, and round', () => {
    assert.equal(neighbour(all, undefined, 'next', 'risk')?.id, 'grave');
    assert.equal(visit('file:///w/z.py', 11, 'next'), 'high');
    assert.equal(visit('file:///w/a.py', 5, 'next'), 'low');
    assert.equal(visit('file:///w/a.py', 1, 'next'), 'grave');
    assert.equal(visit('file:///w/z.py', 9, 'previous'), 'low');
    assert.equal(visit('file:///w/a.py', 5, 'previous'), 'grave');
  });

  test('begins at the gravest when one comes from elsewhere', () => {
    assert.equal(visit('file:///w/a.py', 3, 'next'), 'grave');
    assert.equal(visit('file:///w/a.py', 3, 'previous'), 'low');
    assert.equal(neighbour([], { uri: 'file:///w/a.py', line: 3 }, 'next', 'risk'), undefined);
  });

  test('lists as it visits', () => {
    assert.deepEqual(inOrder(all, 'risk').map(({ id }) => id), ['done', 'grave', 'high', 'low']);
    assert.deepEqual(inOrder(all, 'position').map(({ id }) => id), ['low', 'high', 'done', 'grave']);
  });
});
