/** The language client, made for one start of the server. Loaded when first needed: it is most of the extension's weight. */

import { extensions, Uri, type WorkspaceFolder, workspace } from 'vscode';
import { LanguageClient, type LanguageClientOptions, RevealOutputChannelOn, State } from 'vscode-languageclient/node';

import type { Log } from './log';
import { type Described, unserved } from './outlined';
import { Restarts } from './restarts';
import { isWorthTelling } from './watched';

/** What is needed to start the process, asked for at each start. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** What the maker of a client hears of it. */
export interface Hooks {
  readonly onState: (state: 'starting' | 'running' | 'failed' | 'stopped') => void;
  /** The server ended by itself and will be started again. */
  readonly onEnd: (note: string) => void;
}

const OWN = 'claude-sidecar.claude-sidecar';

const STATES = {
  [State.Starting]: 'starting',
  [State.Running]: 'running',
  [State.StartFailed]: 'failed',
  [State.Stopped]: 'stopped',
} as const;

/** A client that is not started yet. */
export function createClient(launch: Launch, folder: WorkspaceFolder, log: Log, hooks: Hooks): LanguageClient {
  const { command, cwd, variables } = launch;
  // The language client hands `env` on as it is; the user's own variables must not be lost.
  // eslint-disable-next-line no-restricted-properties -- inherited, not read
  const options = { cwd, env: { ...process.env, ...variables } };
  const client = new LanguageClient('sidecar', 'Sidecar', { command, args: [...launch.args], options }, clientOptions(folder, log, hooks));
  client.onDidChangeState(({ newState }) => {
    hooks.onState(STATES[newState]);
  });
  return client;
}

function clientOptions(folder: WorkspaceFolder, log: Log, hooks: Hooks): LanguageClientOptions {
  return {
    // Where there are several folders, each has its server, and that one hears of its own files.
    documentSelector: (workspace.workspaceFolders ?? []).length > 1 ? [{ scheme: 'file', pattern: `${folder.uri.fsPath}/**/*` }] : [{ scheme: 'file' }],
    workspaceFolder: folder,
    initializationOptions: () => ({ symbolLanguages: unserved(others()), restricted: !workspace.isTrusted }),
    outputChannel: log.channel,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    stdioOptions: { stdout: log.copy, stderr: log.copy },
    middleware: {
      // The server says itself what is to be watched; this only keeps the noise of caches and of git from it.
      workspace: {
        didChangeWatchedFile: async (event, next) => {
          if (isWorthTelling(Uri.parse(event.uri).path)) await next(event);
        },
      },
    },
    initializationFailedHandler: () => false,
    errorHandler: new Restarts(log, hooks.onEnd),
  };
}

/** Every extension but this one. */
function others(): Described[] {
  return extensions.all.filter((extension) => extension.id !== OWN).map((extension) => extension.packageJSON as Described);
}
