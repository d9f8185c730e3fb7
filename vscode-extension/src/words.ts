/** The words that people read and hear: of risks, threads and the server's state. Pure, does not know `vscode`. */

import type { Band, ModelReviewResult, Status, ThreadItem } from './protocol';

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

const SEVERITY: Readonly<Record<Band, string>> = { low: 'Low', medium: 'Medium', high: 'High', critical: 'Critical' };

/** How grave a thread is, in words. */
export function gravity({ origin, band }: Pick<ThreadItem, 'origin' | 'band'>): string {
  return origin === 'review' ? `${SEVERITY[band]} severity` : RISK[band];
}

/** Whether a thread's score says how often the like of it was repaired; that of a rule or a model says nothing. */
export function isScored({ origin, score }: Pick<ThreadItem, 'origin' | 'score'>): boolean {
  return origin !== 'review' && score > 0;
}

/** A finding has a word of its own, and a share of repairs only where its lines are scored; a model's comment a severity of the model's own. */
function what(item: ThreadItem, found: boolean): readonly string[] {
  if (item.origin === 'review') return ['Model', gravity(item)];
  const repaired = isScored(item) ? `${cases(item.score)} repaired later` : '';
  return [found ? item.title : RISK[item.band], repaired];
}

/** A thread's heading, which is also what a screen reader says. Everything that a colour or a sign shows is in it. */
export function threadLabel(item: ThreadItem): string {
  const found = item.rules.length > 0;
  const marks = [
    item.state === 'resolved' ? 'Resolved' : '',
    item.outdated ? 'Outdated' : '',
    ...what(item, found),
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
  readonly phase: 'preparing' | 'starting' | 'running' | 'stopped';
  /** A sentence that belongs to the phase; empty when there is nothing to say. */
  readonly note: string;
  readonly status: Status | undefined;
  /** Whether the user does not trust the folder, so that the server only reads. */
  readonly restricted?: boolean;
  /** The folder's name, where there are several. */
  readonly folder?: string;
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
    case 'preparing':
      return item('$(sync~spin) Sidecar: preparing', 'Sidecar prepares its Python environment', 'plain');
    case 'stopped':
      return item('$(error) Sidecar: stopped', sentence('Sidecar is stopped', view.note), 'error');
    case 'starting':
    case 'running':
      return view.status && view.phase === 'running' && view.status.state !== 'starting'
        ? serving(view.status, view)
        : item('$(sync~spin) Sidecar: starting', 'Sidecar is starting', 'plain');
  }
}

function serving(status: Status, { restricted, folder = '' }: View): StatusText {
  const degraded = status.state === 'degraded';
  const name = restricted ? 'Restricted' : providerName(status.provider);
  const where = status.port > 0 ? ` :${status.port}` : '';
  const band = status.band ? RISK[status.band] : '';
  const marks = [band, scopeMark(status), folder].filter(Boolean).map((mark) => ` · ${mark}`);
  const risk = [band, threadCount(status.openThreads)].filter(Boolean).join(', ');
  const spoken = [
    ...standing(status, restricted ? '' : name),
    scopeMark(status) ? `${status.scope?.title ?? ''}: ${risk}` : risk,
    folder && `Folder ${folder}`,
  ];
  return item(`$(${degraded ? 'warning' : 'shield'}) ${name}${where}${marks.join('')}`, spoken.filter(Boolean).join('. '), degraded ? 'warning' : 'plain');
}

/** How the server stands, as it is spoken; without a provider's name it only reads. */
function standing(status: Status, name: string): string[] {
  const ready = name ? 'Sidecar is ready' : 'Sidecar only reads, since this folder is not trusted';
  const said = status.state === 'degraded' ? sentence('Sidecar needs attention', status.message) : ready;
  return name ? [said, `Provider ${name}${status.port > 0 ? `, port ${status.port}` : ''}`] : [said];
}

/** What is reviewed, in a word or two; empty for the working tree. */
function scopeMark({ scope }: Status): string {
  switch (scope?.kind) {
    case 'staged':
      return 'staged';
    case 'branch':
      return 'branch';
    case 'commit':
      return scope.ref.slice(0, 8);
    case 'working':
    case undefined:
      return '';
  }
}

/** What the view "Review" has to say when it is empty; the words of its `when` clauses. */
export function stateOf(view: View, known: boolean): 'starting' | 'stopped' | 'none' | 'clean' {
  if (view.phase === 'stopped') return 'stopped';
  if (known) return 'clean';
  return view.phase === 'running' && view.status && view.status.state !== 'starting' && !view.status.scope ? 'none' : 'starting';
}

/** The details behind the status item as label and value, in the order in which they are read; `hooks` says how the guards on Claude Code stand. */
export function statusDetails(view: View, hooks = ''): readonly (readonly [label: string, value: string])[] {
  const { status } = view;
  if (view.phase !== 'running' || !status) return [];
  const risk =
    status.band && status.score !== null
      ? `${RISK[status.band]}: ${cases(status.score)} changes like it were repaired later`
      : status.scope && status.scope.kind !== 'working' ? 'Nothing changed' : 'No uncommitted change';
  return [
    ['Change', risk],
    ['Reviewed', status.scope?.title ?? 'nothing'],
    ['Open comments', String(status.openThreads)],
    ['Provider', providerName(status.provider)],
    ['Endpoint', status.port > 0 ? status.baseUrl : 'not listening'],
    ...(hooks ? [['Claude hooks', hooks] as const] : []),
    ['Workspace', status.workspace],
    ['Version', status.version],
  ];
}

/** What came of a review in words, in a line. */
export function reviewOutcome({ by, comments, threads, unread }: Pick<ModelReviewResult, 'by' | 'comments' | 'threads' | 'unread'>): string {
  if (by === 'facts') return 'reviewed from facts; no model is configured';
  const said = comments === 0 ? 'no comments' : comments === 1 ? '1 comment' : `${comments} comments`;
  const fresh = threads === comments ? '' : `, ${threads} of them new`;
  return `${said}${fresh}${unread > 0 ? `, ${unread} places not read` : ''}`;
}

/** A review's Markdown with boxes to tick that can be seen: VS Code's preview shows those of Markdown as brackets. */
export function withBoxes(markdown: string): string {
  return markdown.replace(/^- \[ \] /gm, '- ☐ ');
}

/** A number of open threads in words: people know them as comments. */
export function threadCount(count: number): string {
  if (count === 0) return 'no open comments';
  return count === 1 ? '1 open comment' : `${count} open comments`;
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
