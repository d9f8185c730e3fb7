/** Typed reading of the configuration, and what of it the server is told through its environment. Does not know `vscode`. */

import type { Address } from './address';
import type { Band } from './protocol';
import type { Order } from './reconcile';

/** Providers that can be chosen; `auto` leaves the choice to the server and the environment it inherits. */
export const PROVIDERS = ['auto', 'databricks', 'azure_anthropic', 'anthropic', 'openai', 'offline'] as const;
export type ProviderChoice = (typeof PROVIDERS)[number];

const BANDS = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Band[];
const EXPAND = ['none', 'high', 'all'] as const;
const ORDERS = ['risk', 'position'] as const satisfies readonly Order[];
const GATE = ['off', 'medium', 'high', 'critical'] as const;
const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;

/** Everything that can be set under `sidecar.`. An empty text means: not set. */
export interface Settings {
  /** The command that runs sidecar, without `lsp`; empty for the environment that the extension keeps. */
  readonly command: readonly string[];
  readonly python: string;
  readonly wheelhouse: string;
  /** 0 for a port of the workspace's own. */
  readonly port: number;
  readonly provider: ProviderChoice;
  /** The plain text settings of the server, by the environment variable that carries them. */
  readonly upstream: Readonly<Record<string, string>>;
  readonly terminal: boolean;
  /** Whether the Claude Code CLI in a terminal finds its IDE here. */
  readonly companion: boolean;
  readonly minimumBand: Band;
  readonly expand: (typeof EXPAND)[number];
  /** What the user chose of how much the server says, by the environment variable that carries it. */
  readonly review: Readonly<Record<string, string>>;
  /** In which order risks are listed and visited. */
  readonly order: Order;
  /** Whether changed functions show their risk above them. */
  readonly codeLens: boolean;
  /** From which risk an edit of Claude Code stops for a person, where its hook is installed. */
  readonly gateLevel: (typeof GATE)[number];
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

/** Setting → environment variable, for those that are handed to the server as they are. */
export const UPSTREAM: Readonly<Record<string, string>> = {
  'databricks.host': 'DATABRICKS_API_BASE',
  'databricks.endpointPath': 'DATABRICKS_ENDPOINT_PATH',
  'azureAnthropic.endpoint': 'ANTHROPIC_ENDPOINT',
  'azureAnthropic.version': 'AZURE_ANTHROPIC_VERSION',
  'anthropic.upstreamUrl': 'ANTHROPIC_UPSTREAM_URL',
  'openai.baseUrl': 'OPENAI_BASE_URL',
  model: 'MODEL_DEFAULT',
};

/** How much the server says: setting → environment variable. What is not chosen is left to the server's own settings. */
export const REVIEW: Readonly<Record<string, string>> = {
  'review.budget': 'SIDECAR_REVIEW_BUDGET',
  'review.floor': 'SIDECAR_REVIEW_FLOOR',
  'review.findings': 'SIDECAR_REVIEW_FINDINGS',
};

/** What must be known of a provider to set it up: where its key and its address go. */
export interface Upstream {
  readonly title: string;
  readonly keyVariable: string;
  /** The setting that holds its address, when it needs one, and what that looks like. */
  readonly address?: { readonly setting: string; readonly example: string };
}

/** The providers that take a key. */
export const UPSTREAMS: Readonly<Record<Exclude<ProviderChoice, 'auto' | 'offline'>, Upstream>> = {
  databricks: {
    title: 'Databricks',
    keyVariable: 'DATABRICKS_API_KEY',
    address: { setting: 'databricks.host', example: 'https://adb-1234567890123456.7.azuredatabricks.net' },
  },
  azure_anthropic: {
    title: 'Azure Anthropic',
    keyVariable: 'ANTHROPIC_API_KEY',
    address: { setting: 'azureAnthropic.endpoint', example: 'https://my-resource.services.ai.azure.com/anthropic' },
  },
  anthropic: { title: 'Anthropic', keyVariable: 'ANTHROPIC_API_KEY' },
  openai: {
    title: 'OpenAI-compatible server',
    keyVariable: 'OPENAI_API_KEY',
    address: { setting: 'openai.baseUrl', example: 'http://127.0.0.1:11434/v1' },
  },
};

/** Providers that take a key, by name. */
export type KeyedProvider = keyof typeof UPSTREAMS;

/**
 * Settings that decide which program runs and where requests and keys go. Only the user's own value counts, never one
 * that a workspace brings, trusted or not. (VS Code's scope `machine` would say the same, but it also shuts out the
 * user's settings in every remote window.)
 */
export const GUARDED: readonly string[] = [
  'command',
  'python',
  'wheelhouse',
  'port',
  'provider',
  'logLevel',
  'gate.level',
  ...Object.keys(UPSTREAM),
  ...Object.keys(REVIEW),
];

/** The part of VS Code's `WorkspaceConfiguration` that is needed here, for `sidecar.*`. */
export interface Source {
  get(key: string): unknown;
  inspect(key: string): Inspected | undefined;
}

interface Inspected {
  readonly defaultValue?: unknown;
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

/** The settings. A value of the wrong type counts as not set, a guarded one that the workspace brings, too. */
export function readSettings(source: Source): Settings {
  const get = (key: string): unknown => (GUARDED.includes(key) ? ownValue(source.inspect(key)) : source.get(key));
  const port = get('port');
  const upstream: Record<string, string> = {};
  for (const [key, variable] of Object.entries(UPSTREAM)) {
    const value = text(get(key));
    if (value) upstream[variable] = value;
  }
  return {
    command: commandLine(get('command')),
    python: text(get('python')),
    wheelhouse: text(get('wheelhouse')),
    port: typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : 0,
    provider: oneOf(PROVIDERS, get('provider'), 'auto'),
    upstream,
    terminal: get('terminal.enabled') !== false,
    companion: get('companion.enabled') !== false,
    minimumBand: oneOf(BANDS, get('review.minimumBand'), 'low'),
    expand: oneOf(EXPAND, get('review.expand'), 'high'),
    review: chosen(source),
    order: oneOf(ORDERS, get('review.order'), 'risk'),
    codeLens: get('review.codeLens') === true,
    gateLevel: oneOf(GATE, get('gate.level'), 'off'),
    logLevel: oneOf(LOG_LEVELS, get('logLevel'), 'info'),
  };
}

/** The guarded settings that the workspace tries to set, by their full names. */
export function overruled(source: Source): readonly string[] {
  const brings = (value: Inspected | undefined): boolean =>
    value?.workspaceValue !== undefined || value?.workspaceFolderValue !== undefined;
  return GUARDED.filter((key) => brings(source.inspect(key))).map((key) => `sidecar.${key}`);
}

/** Whether the server must be started anew for the new settings to hold. */
export function needsRestart(before: Settings, after: Settings): boolean {
  const server = (s: Settings): unknown => [s.command, s.python, s.wheelhouse, s.port, s.provider, s.upstream, s.logLevel, s.companion, s.review, s.gateLevel];
  return JSON.stringify(server(before)) !== JSON.stringify(server(after));
}

/**
 * The variables that the server gets beside those it inherits. `key` is the stored key of the chosen provider, if any;
 * `trusted` whether the user trusts the folder, without which nothing of it may be started.
 * What is not set here is left to the inherited environment, so a `DATABRICKS_TOKEN` of the user's shell goes on working.
 */
export function serverEnvironment(
  settings: Settings,
  address: Address,
  workspace: string,
  key: string | undefined,
  trusted: boolean,
): Record<string, string> {
  const variables: Record<string, string> = {
    ...settings.upstream,
    ...settings.review,
    PORT: String(address.port),
    SIDECAR_TOKEN: address.token,
    SIDECAR_IDE: String(settings.companion),
    SIDECAR_IDE_PORT: String(address.companionPort),
    WORKSPACE_ROOT: workspace,
    SIDECAR_TRUSTED_FOLDERS: trusted ? JSON.stringify([workspace]) : '',
    SIDECAR_LOG_LEVEL: settings.logLevel,
  };
  // Off leaves it to the inherited environment, like everything that is not set.
  if (settings.gateLevel !== 'off') variables['SIDECAR_GATE_RISK'] = settings.gateLevel;
  if (settings.provider !== 'auto') variables['PROVIDER'] = settings.provider;
  if (key && isKeyed(settings.provider)) variables[UPSTREAMS[settings.provider].keyVariable] = key;
  return variables;
}

/** Whether a provider takes a key. */
export function isKeyed(provider: ProviderChoice): provider is KeyedProvider {
  return provider in UPSTREAMS;
}

/** Where a provider's key is kept in VS Code's secret storage. */
export function secretName(provider: KeyedProvider): string {
  return `sidecar.key.${provider}`;
}

/** Why a text is no address of a provider, or undefined when it is one. */
export function addressProblem(value: string): string | undefined {
  const url = URL.canParse(value.trim()) ? new URL(value.trim()) : undefined;
  if (!url || !['https:', 'http:'].includes(url.protocol)) return 'Give a whole address that begins with https://';
  if (url.username || url.password) return 'Leave the name and password out: the key is asked for next';
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.protocol === 'http:' && !local ? 'Use https:// so that the key is not sent in the clear' : undefined;
}

/** What the user set of `REVIEW`, as the server reads it; a value of the wrong type counts as not set. */
function chosen(source: Source): Record<string, string> {
  const found: Record<string, string> = {};
  const fits = (value: unknown): boolean =>
    (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 100) ||
    typeof value === 'boolean' ||
    BANDS.some((band) => band === value);
  for (const [key, variable] of Object.entries(REVIEW)) {
    const value = source.inspect(key)?.globalValue;
    if (fits(value)) found[variable] = String(value);
  }
  return found;
}

function ownValue(value: Inspected | undefined): unknown {
  return value?.globalValue ?? value?.defaultValue;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function commandLine(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.filter((part): part is string => typeof part === 'string' && part !== '');
  return text(value) ? [text(value)] : [];
}

function oneOf<T extends string>(choices: readonly T[], value: unknown, otherwise: T): T {
  return choices.find((choice) => choice === value) ?? otherwise;
}
