import assert from 'node:assert/strict';
import { test } from 'node:test';

import { REASONS, reachOf, reaching } from '../../src/dismissing';

const CASES = [
  ['src/deep/a.test.ts', ['These lines', 'a.test.ts', '*.ts in src/deep']],
  ['a.py', ['These lines', 'a.py', '*.py in the whole repository']],
  ['src/Makefile', ['These lines', 'Makefile', 'All of src']],
  ['.gitignore', ['These lines', '.gitignore', 'The whole repository']],
] as const;

for (const [path, labels] of CASES) {
  test(`where comments on ${path} may stay silent`, () => {
    const choices = reaching(path);
    assert.deepEqual(choices.map(({ label }) => label), labels);
    assert.deepEqual(choices.map(({ scope }) => scope), ['lines', 'file', 'folder']);
  });
}

test('a dismissal tells where it reaches', () => {
  assert.equal(reachOf({ scope: 'lines', pattern: 'a.py' }), 'on these lines of a.py');
  assert.equal(reachOf({ scope: 'file', pattern: 'a.py' }), 'in a.py');
  assert.equal(reachOf({ scope: 'folder', pattern: 'src/[[]x]/*.py' }), 'in src/[x]/*.py');
});

test('reasons can be told apart', () => {
  assert.equal(new Set(REASONS).size, REASONS.length);
});
