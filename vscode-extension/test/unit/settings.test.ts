import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  GUARDED,
  PROVIDERS,
  type Settings,
  type Source,
  UPSTREAMS,
  addressProblem,
  isKeyed,
  needsRestart,
  overruled,
  readSettings,
  secretName,
  serverEnvironment,
} from '../../src/settings';

interface Property {
  readonly default?: unknown;
  readonly enum?: readonly string[];
}
interface Manifest {
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
  readonly contributes: { readonly configuration: readonly { readonly properties: Readonly<Record<string, Property>> }[] };
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const properties = Object.assign({}, ...manifest.contributes.configuration.map((part) => part.properties)) as Record<string, Property>;

/** What VS Code would say, given the user's and the workspace's values. */
function source(user: Record<string, unknown> = {}, workspace: Record<string, unknown> = {}): Source {
  const standard = (key: string): unknown => properties[`sidecar.${key}`]?.default;
  return {
    get: (key) => workspace[key] ?? user[key] ?? standard(key),
    inspect: (key) => ({ defaultValue: standard(key), globalValue: user[key], workspaceValue: workspace[key] }),
  };
}

const settings = (user: Record<string, unknown> = {}): Settings => readSettings(source(user));
const ADDRESS = { port: 21_000, token: 'abc', companionPort: 21_001 };

test('with nothing set, the manifest and the code agree on every default', () => {
  assert.deepEqual(settings(), {
    command: [],
    python: '',
    wheelhouse: '',
    port: 0,
    provider: 'auto',
    upstream: {},
    terminal: true,
    companion: true,
    minimumBand: 'low',
    order: 'risk',
    codeLens: false,
    expand: 'high',
    review: {},
    gateLevel: 'off',
    logLevel: 'info',
  });
  assert.deepEqual(readSettings({ get: () => undefined, inspect: () => undefined }), settings());
});

test('the manifest offers the providers that the code knows', () => {
  assert.deepEqual(properties['sidecar.provider']?.enum, PROVIDERS);
});

test('a workspace cannot say which program runs or where requests go', () => {
  const hostile = { command: ['evil'], 'databricks.host': 'https://evil.example', provider: 'openai', port: 1, 'terminal.enabled': false };
  const read = readSettings(source({ 'databricks.host': 'https://mine.example' }, hostile));
  assert.deepEqual([read.command, read.provider, read.port], [[], 'auto', 0]);
  assert.deepEqual(read.upstream, { DATABRICKS_API_BASE: 'https://mine.example' });
  assert.equal(read.terminal, false, 'but it may do with less');
  assert.deepEqual(overruled(source({}, hostile)), ['sidecar.command', 'sidecar.port', 'sidecar.provider', 'sidecar.databricks.host']);
});

test('every guarded setting is also restricted in the manifest, and exists', () => {
  const names = GUARDED.map((key) => `sidecar.${key}`).sort();
  assert.deepEqual([...manifest.capabilities.untrustedWorkspaces.restrictedConfigurations].sort(), names);
  assert.deepEqual(names.filter((name) => !(name in properties)), []);
});

test('values of the wrong type count as not set', () => {
  const wrong = { port: 'x', provider: 'nobody', 'review.minimumBand': 3, 'review.expand': null, logLevel: 'loud', python: 7, command: [1, '', 'sidecar'] };
  assert.deepEqual(settings(wrong), { ...settings(), command: ['sidecar'] });
  assert.equal(settings({ port: 70_000 }).port, 0);
  assert.deepEqual(settings({ command: ' /opt/sidecar ' }).command, ['/opt/sidecar']);
});

test('the server is told its address and nothing that is not set', () => {
  assert.deepEqual(serverEnvironment(settings(), ADDRESS, '/w', 'unused', true), {
    PORT: '21000',
    SIDECAR_TOKEN: 'abc',
    WORKSPACE_ROOT: '/w',
    SIDECAR_TRUSTED_FOLDERS: '["/w"]',
    SIDECAR_LOG_LEVEL: 'info',
    SIDECAR_IDE: 'true',
    SIDECAR_IDE_PORT: '21001',
  });
});

test('each provider gets its settings and its key under the names that the server reads', () => {
  const cases = [
    ['databricks', { 'databricks.host': 'https://d', 'databricks.endpointPath': '/x/invocations' }, { DATABRICKS_API_BASE: 'https://d', DATABRICKS_ENDPOINT_PATH: '/x/invocations', DATABRICKS_API_KEY: 'k' }],
    ['azure_anthropic', { 'azureAnthropic.endpoint': 'https://a', 'azureAnthropic.version': 'v' }, { ANTHROPIC_ENDPOINT: 'https://a', AZURE_ANTHROPIC_VERSION: 'v', ANTHROPIC_API_KEY: 'k' }],
    ['anthropic', { 'anthropic.upstreamUrl': 'https://u' }, { ANTHROPIC_UPSTREAM_URL: 'https://u', ANTHROPIC_API_KEY: 'k' }],
    ['openai', { 'openai.baseUrl': 'https://o', model: 'qwen' }, { OPENAI_BASE_URL: 'https://o', MODEL_DEFAULT: 'qwen', OPENAI_API_KEY: 'k' }],
    ['offline', {}, {}],
  ] as const;
  for (const [provider, set, variables] of cases) {
    const { PORT, SIDECAR_TOKEN, WORKSPACE_ROOT, SIDECAR_TRUSTED_FOLDERS, SIDECAR_LOG_LEVEL, SIDECAR_IDE, SIDECAR_IDE_PORT, ...rest } = serverEnvironment(settings({ provider, ...set }), ADDRESS, '/w', 'k', true);
    assert.deepEqual([PORT, SIDECAR_TOKEN, WORKSPACE_ROOT, SIDECAR_TRUSTED_FOLDERS, SIDECAR_LOG_LEVEL], ['21000', 'abc', '/w', '["/w"]', 'info']);
    assert.deepEqual([SIDECAR_IDE, SIDECAR_IDE_PORT], ['true', '21001']);
    assert.deepEqual(rest, { PROVIDER: provider, ...variables });
  }
});

test('how much is said is told to the server where the user chose it, and nowhere else', () => {
  const set = { 'review.budget': 2, 'review.floor': 'high', 'review.findings': false };
  const { SIDECAR_REVIEW_BUDGET, SIDECAR_REVIEW_FLOOR, SIDECAR_REVIEW_FINDINGS } = serverEnvironment(settings(set), ADDRESS, '/w', undefined, true);
  assert.deepEqual([SIDECAR_REVIEW_BUDGET, SIDECAR_REVIEW_FLOOR, SIDECAR_REVIEW_FINDINGS], ['2', 'high', 'false']);
  assert.deepEqual(settings({ 'review.budget': -1, 'review.floor': 'loud', 'review.findings': null }).review, {});
});

test('only what the server reads makes a restart', () => {
  const before = settings();
  assert.equal(needsRestart(before, settings({ 'review.minimumBand': 'high', 'review.expand': 'all', 'terminal.enabled': false })), false);
  for (const change of [{ port: 5 }, { provider: 'offline' }, { model: 'm' }, { command: ['x'] }, { python: '/p' }, { logLevel: 'debug' }, { 'companion.enabled': false }, { 'review.budget': 2 }]) {
    assert.equal(needsRestart(before, settings(change)), true, JSON.stringify(change));
  }
});

test('providers with keys keep them apart', () => {
  const names = PROVIDERS.filter(isKeyed).map(secretName);
  assert.equal(new Set(names).size, Object.keys(UPSTREAMS).length);
  assert.equal(isKeyed('auto') || isKeyed('offline'), false);
});

const ADDRESSES: readonly (readonly [string, boolean])[] = [
  ['https://adb-1.7.azuredatabricks.net', true], [' https://a.b/c ', true], ['http://127.0.0.1:11434/v1', true], ['http://localhost:1', true],
  ['http://a.b', false], ['a.b', false], ['', false], ['ftp://a.b', false], ['https://user:pass@a.b', false],
];

for (const [value, good] of ADDRESSES) {
  test(`"${value}" is ${good ? 'an' : 'no'} address`, () => {
    assert.equal(addressProblem(value) === undefined, good);
  });
}

test('a folder that is not trusted is not named as one', () => {
  assert.equal(serverEnvironment(settings(), ADDRESS, '/w', undefined, false)['SIDECAR_TRUSTED_FOLDERS'], '');
});
