import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Memory, addressFor, baseUrl, derivePort } from '../../src/address';

class Notebook implements Memory {
  private readonly values = new Map<string, unknown>();

  get(key: string): unknown {
    return this.values.get(key);
  }

  update(key: string, value: unknown): Promise<void> {
    this.values.set(key, value);
    return Promise.resolve();
  }
}

test('a workspace has one port, always the same, in the range that nobody else hands out', () => {
  const paths = Array.from({ length: 500 }, (_, i) => `/home/someone/project-${i}`);
  const ports = paths.map(derivePort);
  assert.deepEqual(paths.map(derivePort), ports);
  assert.ok(ports.every((port) => port >= 20_000 && port < 30_000));
  assert.ok(new Set(ports).size > 480, 'neighbours do not share ports');
});

test('a port once given out stays what it is in the next release', () => {
  assert.equal(derivePort('/home/someone/project'), 24_348);
});

test('the configured port wins, and the token outlives a reload', () => {
  const memory = new Notebook();
  const first = addressFor('/w', 0, memory);
  const second = addressFor('/w', 8080, memory);
  assert.equal(first.port, derivePort('/w'));
  assert.equal(second.port, 8080);
  assert.match(first.token, /^[0-9a-f]{64}$/);
  assert.equal(second.token, first.token);
});

test('two workspaces do not share a token, and a spoilt one is made again', async () => {
  const memory = new Notebook();
  await memory.update('sidecar.token', 'short');
  const { token } = addressFor('/w', 0, memory);
  assert.match(token, /^[0-9a-f]{64}$/);
  assert.notEqual(addressFor('/w', 0, new Notebook()).token, token);
});

test('the CLI gets the address without /v1', () => {
  assert.equal(baseUrl(21_000), 'http://127.0.0.1:21000');
});
