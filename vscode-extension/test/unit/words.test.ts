import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  cases,
  type View,
  escapeMarkdown,
  providerName,
  reviewOutcome,
  statusDetails,
  statusText,
  threadContext,
  threadCount,
  threadLabel,
  withBoxes,
} from '../../src/words';
import { status, thread } from './make';

const PERCENTS: readonly (readonly [number, string])[] = [
  [0, 'fewer than 1 of 100'], [0.004, 'fewer than 1 of 100'], [0.01, '1 of 100'], [0.314, '31 of 100'], [0.994, '99 of 100'], [0.996, 'more than 99 of 100'],
];

for (const [score, words] of PERCENTS) {
  test(`a score of ${score} reads ${words}`, () => {
    assert.equal(cases(score), words);
  });
}

test('a thread says its severity, score and state in words, for those who cannot see colours', () => {
  assert.equal(threadLabel(thread()), 'High risk · 62 of 100 repaired later — Nine earlier fixes');
  assert.equal(threadLabel(thread({ outdated: true, band: 'critical', score: 0.91 })), 'Outdated · Very high risk · 91 of 100 repaired later — Nine earlier fixes');
  assert.equal(threadLabel(thread({ title: 'High risk', endLine: 4 })), 'High risk · 62 of 100 repaired later', 'and says it once');
  assert.equal(threadLabel(thread({ state: 'resolved', outdated: true, title: '' })), 'Resolved · Outdated · High risk · 62 of 100 repaired later');
});

test('a finding has its own words in place of a degree of risk', () => {
  const title = 'Hazard: a secret in the code';
  assert.equal(threadLabel(thread({ title, rules: ['secret'], score: 0 })), title);
  assert.equal(threadLabel(thread({ title, rules: ['secret'], score: 0.31, outdated: true })), `Outdated · ${title} · 31 of 100 repaired later`);
});

test("a model's comment says whose it is and how grave, and no risk score", () => {
  const item = thread({ origin: 'review', band: 'critical', title: 'Injection by eval', score: 0.11 });
  assert.equal(threadLabel(item), 'Model · Critical severity — Injection by eval');
  assert.equal(threadLabel({ ...item, state: 'resolved' }), 'Resolved · Model · Critical severity — Injection by eval');
});

const OUTCOMES: readonly (readonly [Parameters<typeof reviewOutcome>[0], string])[] = [
  [{ by: 'facts', comments: 2, threads: 0, unread: 0 }, 'reviewed from facts; no model is configured'],
  [{ by: 'model', comments: 0, threads: 0, unread: 0 }, 'no comments'],
  [{ by: 'model', comments: 1, threads: 1, unread: 0 }, '1 comment'],
  [{ by: 'model', comments: 3, threads: 1, unread: 2 }, '3 comments, 1 of them new, 2 places not read'],
];

for (const [result, words] of OUTCOMES) {
  test(`a review ends with: ${words}`, () => {
    assert.equal(reviewOutcome(result), words);
  });
}

test('what is to be done before merging has boxes, and nothing else changes', () => {
  assert.equal(withBoxes('## Before merging\n\n- [ ] Run it.\n- [ ] And `a[ ]`.\n- [x] Done\n'), '## Before merging\n\n- ☐ Run it.\n- ☐ And `a[ ]`.\n- [x] Done\n');
});

test('the context words of a thread are those that the menus ask for', () => {
  assert.equal(threadContext(thread()), 'unresolved sev-high');
  assert.equal(threadContext(thread({ state: 'resolved', band: 'low', outdated: true })), 'resolved sev-low outdated');
});

const STAGED = { kind: 'staged', ref: '', title: 'Staged changes' } as const;
const running = (changes: Parameters<typeof status>[0] = {}): View => ({ phase: 'running', note: '', status: status(changes) });

const VIEWS: readonly (readonly [View, string, string, string])[] = [
  [running(), '$(shield) Databricks :21000 · High risk', 'plain', 'Sidecar is ready. Provider Databricks, port 21000. High risk, 2 open comments'],
  [running({ band: null, score: null, openThreads: 0 }), '$(shield) Databricks :21000', 'plain', 'Sidecar is ready. Provider Databricks, port 21000. no open comments'],
  [
    running({ state: 'degraded', message: 'Set DATABRICKS_TOKEN.', port: 0 }),
    '$(warning) Databricks · High risk',
    'warning',
    'Sidecar needs attention: Set DATABRICKS_TOKEN. Provider Databricks. High risk, 2 open comments',
  ],
  [running({ state: 'starting' }), '$(sync~spin) Sidecar: starting', 'plain', 'Sidecar is starting'],
  [{ phase: 'running', note: '', status: undefined }, '$(sync~spin) Sidecar: starting', 'plain', 'Sidecar is starting'],
  [{ phase: 'starting', note: '', status: undefined }, '$(sync~spin) Sidecar: starting', 'plain', 'Sidecar is starting'],
  [{ phase: 'preparing', note: '', status: undefined }, '$(sync~spin) Sidecar: preparing', 'plain', 'Sidecar prepares its Python environment'],
  [
    { ...running({ port: 0, scope: STAGED }), restricted: true, folder: 'web' },
    '$(shield) Restricted · High risk · staged · web',
    'plain',
    'Sidecar only reads, since this folder is not trusted. Staged changes: High risk, 2 open comments. Folder web',
  ],
  [running({ scope: { kind: 'commit', ref: '0123456789', title: '01234567 Fix' } }), '$(shield) Databricks :21000 · High risk · 01234567', 'plain', 'Sidecar is ready. Provider Databricks, port 21000. 01234567 Fix: High risk, 2 open comments'],
  [{ phase: 'stopped', note: 'No Python.', status: undefined }, '$(error) Sidecar: stopped', 'error', 'Sidecar is stopped: No Python'],
];

for (const [view, text, tone, spoken] of VIEWS) {
  test(`the status item of ${view.phase} ${view.status?.state ?? ''} reads ${text}`, () => {
    assert.deepEqual(statusText(view), { text, tone, spoken });
  });
}

test('the details are those of a running server, in words', () => {
  const details = new Map(statusDetails(running()));
  assert.equal(details.get('Endpoint'), 'http://127.0.0.1:21000');
  assert.equal(details.get('Change'), 'High risk: 62 of 100 changes like it were repaired later');
  assert.equal(new Map(statusDetails(running({ port: 0 }))).get('Endpoint'), 'not listening');
  assert.equal(new Map(statusDetails(running({ band: null, score: null }))).get('Change'), 'No uncommitted change');
  assert.deepEqual(statusDetails({ phase: 'stopped', note: '', status: undefined }), []);
});

test('counts read as people say them', () => {
  assert.deepEqual([0, 1, 2].map(threadCount), ['no open comments', '1 open comment', '2 open comments']);
});

test('a provider that is not known keeps its own name', () => {
  assert.equal(providerName('azure_anthropic'), 'Azure Anthropic');
  assert.equal(providerName('mine'), 'mine');
});

test("what the server says cannot become a link or an icon in the extension's own text", () => {
  assert.equal(escapeMarkdown('[x](command:y) $(zap) `a`\n| b'), '\\[x\\]\\(command:y\\) \\$\\(zap\\) \\`a\\` \\| b');
});
