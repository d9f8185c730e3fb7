import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EVIDENCE, defused, evidenceAt, evidenceLinks } from '../../src/evidence';
import type { EvidenceItem } from '../../src/protocol';
import { comment } from './make';

const commit: EvidenceItem = { kind: 'commit', label: 'a1b2c3d', commit: 'a1b2c3d', uri: '', line: 0 };
const file: EvidenceItem = { kind: 'test', label: 'x](command:bad) <b> $(zap)', commit: '', uri: 'file:///w/tests/a.py', line: 6 };

test('a link holds names of ours alone', () => {
  const links = evidenceLinks('t(1)', comment({ evidence: [commit, file] }));
  const targets = [...links.matchAll(/\]\(command:([\w.]+)\?([^)]*)\)/g)].map(([, id, given]) => [id, JSON.parse(decodeURIComponent(given ?? '')) as unknown]);
  assert.deepEqual(targets, [[EVIDENCE, ['t(1)', 'c1', 0]], [EVIDENCE, ['t(1)', 'c1', 1]]]);
  assert.ok(links.includes('x\\]\\(command:bad\\) \\<b\\> \\$\\(zap\\)'));
});

test('only our own comments have links', () => {
  for (const author of ['model', 'user'] as const) assert.equal(evidenceLinks('t', comment({ author, evidence: [commit] })), '');
  assert.equal(evidenceLinks('t', comment()), '');
});

for (const text of ['[x](command:a)', '<command:a>', '[x](COMMAND:a)', '[x]: command:a', '[x](command&colon;a)', '[x](command&#58;a)']) {
  test(`${text} is no link beside ours`, () => {
    assert.match(defused(text), /command\u200b/i);
  });
}

test('what a link names is looked up and looked at', () => {
  const at = (named: readonly unknown[], evidence: readonly EvidenceItem[], author: 'sidecar' | 'model' = 'sidecar'): EvidenceItem | undefined => evidenceAt(named, () => [comment({ author, evidence })]);
  assert.equal(at(['t', 'c1', 0], [commit]), commit);
  assert.equal(at(['t', 'c1', 0], [file]), file);
  assert.equal(at(['t', 'c1', 1], [commit]), undefined);
  assert.equal(at(['t', 'other', 0], [commit]), undefined);
  assert.equal(at(['t', 'c1', 0], [commit], 'model'), undefined);
  for (const bad of ['--help', 'HEAD; x', '']) assert.equal(at(['t', 'c1', 0], [{ ...commit, commit: bad }]), undefined);
  for (const bad of ['command:x', 'https://x', '']) assert.equal(at(['t', 'c1', 0], [{ ...file, uri: bad }]), undefined);
  for (const named of [[], ['t'], [1, 2, 3], [{}, [], 'x']]) assert.equal(at(named, [commit]), undefined);
});
