/** The words that people read and hear: of risks, threads and the server's state. Pure, does not know `vscode`. */

import type { Band, Status, ThreadItem } from './protocol';

// The same words as the server's own, which also stand in its comments.
const RISK: Readonly<Record<Band, string>> = {
  low: 'Low risk',
  medium: 'Some risk',
  high: 'High risk',
  critical: 'Very high risk',
};

const PROVIDER: Readonly<Record<string, string>> = {
  databricks: 'Databricks',
  azure_anthropic: 'Azure Anthropic',
  anthropic: 'Anthropic',
  openai: 'OpenAI-compatible',
  offline: 'Offline',
};

/** A band in words: "High risk". */
export function riskWord(band: Band): string {
  return RISK[band];
}

/** A provider's name as people write it. */
export function providerName(provider: string): string {
  return PROVIDER[provider] ?? provider;
}

/** A probability as a person says it, never a percentage of being wrong: "31 of 100", "fewer than 1 of 100". */
export function cases(score: number): string {
  const count = Math.round(score * 100);
  if (count < 1) return 'fewer than 1 of 100';
  return count > 99 ? 'more than 99 of 100' : `${count} of 100`;
}

/** A thread's heading, which is also what a screen reader says. Everything that a colour or a sign shows is in it. */
export function threadLabel(item: ThreadItem): string {
  const found = item.rules.length > 0;
  const marks = [
    item.state === 'resolved' ? 'Resolved' : '',
    item.outdated ? 'Outdated' : '',
    // A finding has a word of its own, and a score only where its lines are scored.
    found ? item.title : RISK[item.band],
    found && item.score === 0 ? '' : `score ${item.score.toFixed(2)}`,
  ].filter(Boolean);
  const title = found || item.title === RISK[item.band] ? '' : item.title;
  return [marks.join(' · '), title].filter(Boolean).join(' — ');
}

/** The words that menus ask for in `when` clauses: `unresolved sev-high outdated`. */
export function threadContext(item: ThreadItem): string {
  const words = [item.state === 'open' ? 'unresolved' : 'resolved', `sev-${item.band}`];
  return (item.outdated ? [...words, 'outdated'] : words).join(' ');
}

/** What the extension knows of the server: its own view of the process, and what the process last said. */
export interface View {
  readonly phase: 'untrusted' | 'preparing' | 'starting' | 'running' | 'stopped';
  /** A sentence that belongs to the phase; empty when there is nothing to say. */
  readonly note: string;
  readonly status: Status | undefined;
}

/** A status item: its text with icons, what is spoken for it, and how grave its state is. */
export interface StatusText {
  readonly text: string;
  readonly spoken: string;
  readonly tone: 'plain' | 'warning' | 'error';
}

/** The status item's words. */
export function statusText(view: View): StatusText {
  switch (view.phase) {
    case 'untrusted':
      return item('$(shield) Sidecar: restricted', 'Sidecar waits until this folder is trusted', 'plain');
    case 'preparing':
      return item('$(sync~spin) Sidecar: preparing', 'Sidecar prepares its Python environment', 'plain');
    case 'stopped':
      return item('$(error) Sidecar: stopped', sentence('Sidecar is stopped', view.note), 'error');
    case 'starting':
    case 'running':
      return view.status && view.phase === 'running' && view.status.state !== 'starting'
        ? serving(view.status)
        : item('$(sync~spin) Sidecar: starting', 'Sidecar is starting', 'plain');
  }
}

function serving(status: Status): StatusText {
  const degraded = status.state === 'degraded';
  const name = providerName(status.provider);
  const where = status.port > 0 ? ` :${status.port}` : '';
  const risk = status.band ? ` · ${RISK[status.band]}` : '';
  const spoken = [
    degraded ? sentence('Sidecar needs attention', status.message) : 'Sidecar is ready',
    `Provider ${name}${status.port > 0 ? `, port ${status.port}` : ''}`,
    status.band ? `${RISK[status.band]}, ${threadCount(status.openThreads)}` : threadCount(status.openThreads),
  ].join('. ');
  return item(`$(${degraded ? 'warning' : 'shield'}) ${name}${where}${risk}`, spoken, degraded ? 'warning' : 'plain');
}

/** The details behind the status item as label and value, in the order in which they are read. */
export function statusDetails(view: View): readonly (readonly [label: string, value: string])[] {
  const { status } = view;
  if (view.phase !== 'running' || !status) return [];
  const risk =
    status.band && status.score !== null
      ? `${RISK[status.band]}: ${cases(status.score)} changes like it were repaired later`
      : 'No uncommitted change';
  return [
    ['Provider', providerName(status.provider)],
    ['Endpoint', status.port > 0 ? status.baseUrl : 'not listening'],
    ['Workspace', status.workspace],
    ['Change', risk],
    ['Open threads', String(status.openThreads)],
    ['Version', status.version],
  ];
}

/** A number of threads in words. */
export function threadCount(count: number): string {
  if (count === 0) return 'no open threads';
  return count === 1 ? '1 open thread' : `${count} open threads`;
}

/** Text as Markdown that shows it word for word. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>&~$]/g, '\\$&').replace(/\r?\n/g, ' ');
}

function sentence(what: string, note: string): string {
  return note ? `${what}: ${note.replace(/[.\s]+$/, '')}` : what;
}

function item(text: string, spoken: string, tone: StatusText['tone']): StatusText {
  return { text, spoken, tone };
}
