import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Guards, guardWords, installing, isAnythingThere, parseGuards, removing } from '../../src/guards';

const ABSENT = { local: 'absent', project: 'absent', user: 'absent' } as const;
const NONE: Guards = { guards: { bash: ABSENT, risk: ABSENT }, pre_push: false, off: '', level: 'off' };

const with_ = (more: Partial<Guards>, bash: object = {}, risk: object = {}): Guards => ({
  ...NONE,
  guards: { bash: { ...ABSENT, ...bash }, risk: { ...ABSENT, ...risk } },
  ...more,
});

const WORDS: readonly (readonly [Guards | undefined, string])[] = [
  [undefined, 'not known'],
  [NONE, 'not installed'],
  [with_({}, { local: 'installed' }), 'git guard here'],
  [with_({ pre_push: true }, { user: 'installed' }), 'git guard everywhere; pre-push hook'],
  [with_({}, { local: 'outdated', user: 'installed' }), 'git guard here and everywhere (outdated: install it again)'],
  [with_({ level: 'high' }, {}, { project: 'installed' }), 'risk gate for the project, from high risk'],
  [with_({}, {}, { local: 'installed' }), 'risk gate here, no edit stops (sidecar.gate.level is off)'],
  [with_({ off: '/x/settings.json' }, { local: 'installed' }), 'off (disableAllHooks in /x/settings.json): git guard here'],
];

test('how the guards stand is one line', () => {
  for (const [found, words] of WORDS) assert.equal(guardWords(found), words);
  assert.equal(isAnythingThere(NONE), false);
  assert.equal(isAnythingThere(with_({}, {}, { user: 'outdated' })), true);
});

test("the server's answer is its line of JSON; the editor's own level wins", () => {
  const told = JSON.stringify({ ...NONE, level: 'medium', claude: {}, running: true });
  assert.equal(parseGuards(`a warning\n${told}\n`)?.level, 'medium');
  assert.equal(parseGuards(told, 'high')?.level, 'high');
  for (const other of ['', 'null', '[]', '{}', '{"guards": {}}', '{"claude": {"local": false}}', '{broken']) assert.equal(parseGuards(other), undefined);
});

test('only what was picked is installed, and only what was named is removed', () => {
  assert.deepEqual(installing({ bash: true, risk: false, git: false, scope: 'local' }), ['hooks', 'install', '--quiet', '--scope', 'local', '--bash', '--no-risk']);
  assert.deepEqual(installing({ bash: false, risk: true, git: true, scope: 'user' }), ['hooks', 'install', '--quiet', '--scope', 'user', '--no-bash', '--risk', '--git']);
  assert.deepEqual(removing('risk', 'user'), ['hooks', 'remove', '--quiet', '--scope', 'user', '--no-bash', '--risk']);
  assert.deepEqual(removing('git', 'local'), ['hooks', 'remove', '--quiet', '--scope', 'local', '--no-bash', '--no-risk', '--git']);
});
