/** Which languages are asked of the server, by what other extensions say of themselves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { unserved } from '../../src/outlined';

const grammar = (...ids: string[]) => ({ contributes: { languages: ids.map((id) => ({ id })) } });

test('languages that only have colours are served', () => {
  assert.deepEqual(unserved([grammar('sql', 'go'), grammar('python')]), ['go', 'python', 'sql']);
});

test('a language that an extension with code wakes up for, or brings itself, is left to it', () => {
  const woken = { main: './x.js', activationEvents: ['onLanguage:python', 'onCommand:go'] };
  const bringing = { browser: './y.js', ...grammar('kotlin') };
  assert.deepEqual(unserved([grammar('sql', 'python', 'kotlin'), woken, bringing]), ['sql']);
});

test('whatever others write into their package.json is no fault', () => {
  const odd = [{}, { contributes: 1 }, { contributes: { languages: [null, 3, { id: 4 }] } }, { main: 'x', activationEvents: [5, {}] }];
  assert.deepEqual(unserved([...odd, grammar('ruby')]), ['ruby']);
});
