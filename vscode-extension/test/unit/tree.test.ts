/** The tree "Review" as values: what stands where, in which words, and what stays the same over looks. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { type FolderView, type Row, countAbove, gist, headline, lines, parentsOf, rowOfThread, rowsOf } from '../../src/tree';
import { comment, file, outline, thread } from './make';

const folder = (changes: Partial<FolderView> = {}): FolderView => ({ key: 'file:///w', name: 'w', outline: outline(), threads: [], floor: 'low', ...changes });
const hunk = (startLine: number, changes: object = {}): ReturnType<typeof file>['hunks'][number] => ({ startLine, endLine: startLine + 1, score: 0.3, band: 'medium', reason: 'It was repaired often', ...changes });
const words = (rows: readonly Row[]): unknown[] => rows.map(({ label, children }) => (children.length > 0 ? [label, words(children)] : label));

const RISKY = file({ path: 'src/pay.py', hunks: [hunk(4), hunk(30, { score: 0.1, band: 'low', reason: '' })] });
const CALM = file({ path: 'a/calm.py', score: 0.1, band: 'low', added: 1, removed: 0 });
const DOCS = file({ path: 'README.md', score: null, band: null, why: 'documentation', status: 'added' });

describe('files', () => {
  test('stand by risk as the server says, or by position', () => {
    const view = folder({ outline: outline([RISKY, CALM, DOCS]) });
    assert.deepEqual(rowsOf([view], 'risk').map(({ label }) => label), ['pay.py', 'calm.py', 'README.md']);
    assert.deepEqual(rowsOf([view], 'position').map(({ file: each }) => each?.path), ['README.md', 'a/calm.py', 'src/pay.py']);
  });

  test('say their risk by word and icon, where they lie and how much changed', () => {
    const [pay, , docs] = rowsOf([folder({ outline: outline([RISKY, CALM, DOCS]), threads: [thread({ uri: RISKY.uri })] })], 'risk');
    assert.deepEqual([pay?.description, pay?.icon, pay?.context], ['High risk · src · +12 −3', 'warning', 'file modified changes']);
    assert.equal(pay?.spoken, 'pay.py, High risk, in src, 12 lines added, 3 removed, 1 open comment');
    assert.match(pay.tooltip, /62 of 100 changes like it were repaired later/);
    assert.deepEqual([docs?.description, docs?.icon, docs?.band], ['documentation · added · +12 −3', 'circle-slash', undefined]);
  });

  test('are never less grave than an open comment in them', () => {
    const shown = (...threads: ReturnType<typeof thread>[]): unknown => rowsOf([folder({ outline: outline([CALM]), threads })], 'risk').map(({ band, icon }) => [band, icon]);
    const here = { uri: CALM.uri, band: 'high' } as const;
    assert.deepEqual(shown(), [['low', 'circle-outline']]);
    assert.deepEqual(shown(thread(here)), [['high', 'warning']]);
    assert.deepEqual(shown(thread({ ...here, state: 'resolved' })), [['low', 'circle-outline']]);
    const unscored = rowsOf([folder({ outline: outline([DOCS]), threads: [thread({ ...here, uri: DOCS.uri })] })], 'risk');
    assert.deepEqual(unscored.map(({ band }) => band), [undefined]);
  });

  test('that cannot be compared offer no comparison', () => {
    const [row] = rowsOf([folder({ outline: outline([file({ why: 'binary', score: null, band: null })]) })], 'risk');
    assert.equal(row?.context, 'file modified');
  });

  test('that are no longer part of the change keep what was said about them', () => {
    const [, gone] = rowsOf([folder({ outline: outline([CALM]), threads: [thread({ uri: 'file:///w/old%20name.py' })] })], 'risk');
    assert.deepEqual([gone?.label, gone?.description, gone?.children.length], ['old name.py', 'not part of this change', 1]);
  });
});

describe('places', () => {
  const own = [
    thread({ id: 'one', uri: RISKY.uri, startLine: 4, endLine: 5 }),
    thread({ id: 'two', uri: RISKY.uri, startLine: 50, endLine: 50, band: 'critical', score: 0.9, comments: [comment({ body: '**Very high risk.** It swallows `Exception`\\.' }), comment({ author: 'user' })] }),
    thread({ id: 'done', uri: RISKY.uri, startLine: 70, endLine: 70, band: 'low', score: 0.1, state: 'resolved', outdated: true }),
  ];
  const [row] = rowsOf([folder({ outline: outline([RISKY]), threads: own })], 'risk');

  test('are the threads, the gravest first, then what has none', () => {
    assert.deepEqual(row?.children.map(({ id, kind }) => [id, kind]), [
      ['thread two', 'thread'],
      ['thread one', 'thread'],
      ['thread done', 'thread'],
      ['hunk file:///w src/pay.py 30', 'hunk'],
    ]);
    const [byPlace] = rowsOf([folder({ outline: outline([RISKY]), threads: own })], 'position');
    assert.deepEqual(byPlace?.children.map(({ line }) => line), [4, 30, 50, 70]);
  });

  test('say what they are about without markup, where, and how far the talk went', () => {
    const [two, , done, bare] = row?.children ?? [];
    assert.deepEqual([two?.label, two?.description], ['Line 51', 'It swallows Exception. · Very high risk · 2 comments']);
    assert.deepEqual([done?.icon, done?.context, done?.band], ['pass', 'thread resolved outdated', undefined]);
    assert.match(done?.spoken ?? '', /^Comment on line 71, resolved, outdated, Low risk, Look here\.$/);
    assert.deepEqual([bare?.label, bare?.description, bare?.spoken], ['Lines 31–32', 'Low risk', 'Lines 31–32, Low risk, no comment']);
  });

  test("of a rule or a model tell no share of repairs, and a model's its own severity", () => {
    const items = [
      thread({ id: 'found', uri: RISKY.uri, startLine: 90, endLine: 90, score: 0, rules: ['secret'], title: 'A key' }),
      thread({ id: 'model', uri: RISKY.uri, startLine: 95, endLine: 95, origin: 'review', band: 'high' }),
    ];
    const [{ children } = { children: [] }] = rowsOf([folder({ outline: outline([file({ path: 'src/pay.py' })]), threads: items })], 'position');
    assert.deepEqual(children.map(({ tooltip }) => tooltip.includes('repaired later')), [false, false]);
    assert.match(children[1]?.description ?? '', /High severity$/);
  });

  test('of another text than the working tree belong to their file wherever they are shown', () => {
    const staged = file({ newUri: 'sidecar-revision:/w/app.py?index', hunks: [hunk(4)] });
    const items = [
      thread({ id: 'stands', uri: staged.uri, startLine: 90, endLine: 91, inRevision: { uri: staged.newUri, startLine: 4, endLine: 5 } }),
      thread({ id: 'gone', uri: staged.newUri, inRevision: { uri: staged.newUri, startLine: 40, endLine: 41 } }),
    ];
    const rows = rowsOf([folder({ outline: outline([staged]), threads: items })], 'risk');
    assert.deepEqual(rows.length, 1);
    assert.deepEqual(rows[0]?.children.map(({ id, line }) => [id, line]), [['thread stands', 4], ['thread gone', 40]]);
  });
});

test('several folders stand above their files', () => {
  const rows = rowsOf([folder(), folder({ key: 'file:///v', name: 'v', outline: undefined })], 'risk');
  assert.deepEqual(words(rows), [['w', ['app.py']], 'v']);
  assert.deepEqual(rows.map(({ description }) => description), ['High risk · Working tree', 'nothing to review']);
});

test('a row that had none below it is another row with its first ones, since VS Code would leave it shut', () => {
  const bare = rowsOf([folder({ outline: outline([]) }), folder({ key: 'file:///v' })], 'risk');
  const full = rowsOf([folder(), folder({ key: 'file:///v' })], 'risk');
  assert.notEqual(bare[0]?.id, full[0]?.id);
  assert.equal(bare[1]?.id, full[1]?.id);
  assert.equal(full[0]?.expanded, true);
});

test('the ids of rows stay the same when lines, scores and words change', () => {
  const before = rowsOf([folder({ outline: outline([RISKY]), threads: [thread({ uri: RISKY.uri })] })], 'risk');
  const after = rowsOf([folder({ outline: outline([{ ...RISKY, score: 0.7, added: 99 }]), threads: [thread({ uri: RISKY.uri, startLine: 20, endLine: 21, score: 0.7 })] })], 'risk');
  const idsOf = (rows: readonly Row[]): string[] => rows.flatMap(({ id, kind, children }) => [...(kind === 'hunk' ? [] : [id]), ...idsOf(children)]);
  assert.deepEqual(idsOf(before), idsOf(after));
  assert.deepEqual(before.flatMap(parentsOf).map(([id, parent]) => [id.split(' ')[0], parent.label]).slice(0, 1), [['thread', 'pay.py']]);
  assert.equal(rowOfThread(before, 't1')?.kind, 'thread');
  assert.equal(rowOfThread(before, 'no'), undefined);
});

test('the badge counts open threads at or above the floor', () => {
  const threads = [thread({ id: '1' }), thread({ id: '2', state: 'resolved' }), thread({ id: '3', band: 'low' }), thread({ id: '4', band: 'critical' })];
  assert.equal(countAbove([folder({ threads }), folder({ threads, floor: 'high' })]), 5);
  assert.equal(countAbove([]), 0);
});

test('places of a file whose comments begin alike tell what is their own, and are spoken whole', () => {
  const saying = (id: string, line: number, ...reasons: readonly string[]): ReturnType<typeof thread> =>
    thread({ id, uri: CALM.uri, startLine: line, endLine: line, comments: [comment({ body: ['**High risk.** This file was repaired 11 times before.', '', ...reasons].join('\n') })] });
  const threads = [saying('1', 1, '- It is nested `16` columns deep\\.', '- More.'), saying('2', 3), saying('3', 5, '- Its longest line has 29 tokens.')];
  const [row] = rowsOf([folder({ outline: outline([CALM]), threads })], 'position');
  const told = row?.children.map(({ description }) => description.split(' · ')[0]);
  assert.deepEqual(told, ['It is nested 16 columns deep.', 'This file was repaired 11 times before.', 'Its longest line has 29 tokens.']);
  assert.ok(row?.children.every(({ spoken }) => spoken.includes('This file was repaired 11 times before.')));
  const [alone] = rowsOf([folder({ outline: outline([CALM]), threads: threads.slice(0, 1) })], 'position');
  assert.match(alone?.children[0]?.description ?? '', /^This file was repaired/);
});

test('words: the head of a change, lines, what a thread is about', () => {
  assert.equal(headline(folder()), 'Working tree. High risk: 62 of 100 changes like it were repaired later.');
  assert.equal(headline(folder({ outline: undefined })), undefined);
  assert.deepEqual([lines(0, 0), lines(4, 6)], ['line 1', 'lines 5–7']);
  assert.equal(gist(thread({ comments: [comment({ body: '**High risk.**' })] })), 'Nine earlier fixes');
  assert.equal(gist(thread({ comments: [comment({ body: '**A reviewer** asks.\n\nMore.' })] })), 'A reviewer asks.');
  assert.equal(gist(thread({ comments: [comment({ body: 'x'.repeat(200) })] })).length, 90);
});
