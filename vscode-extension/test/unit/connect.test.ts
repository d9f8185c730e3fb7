import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connecting, terminalVariables } from '../../src/connect';

test('a terminal is given the address and the token, under both names', () => {
  assert.deepEqual(terminalVariables('http://127.0.0.1:8080', 'abc'), {
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:8080',
    ANTHROPIC_AUTH_TOKEN: 'abc',
    CLAUDE_SIDECAR_TOKEN: 'abc',
  });
});

test('what is written down for Claude Code holds neither address nor token', () => {
  assert.deepEqual(connecting(), [
    'mcp',
    'add',
    '--transport',
    'http',
    'sidecar',
    '${ANTHROPIC_BASE_URL}/mcp',
    '--header',
    'Authorization: Bearer ${CLAUDE_SIDECAR_TOKEN}',
  ]);
});
