/** Wires the parts and owns what must be disposed of. */

import { type Disposable, type Event, EventEmitter, type ExtensionContext, workspace } from 'vscode';

import { addressFor } from './address';
import { follow, isAlone } from './companion';
import { Threads } from './comments';
import { registerCommands } from './handlers';
import { ClaudeHooks } from './hooks';
import { Log } from './log';
import { Proposals } from './proposals';
import type { ThreadItem } from './protocol';
import { Provision } from './provision';
import { Server } from './server';
import { isKeyed, needsRestart, overruled, readSettings, secretName, serverEnvironment } from './settings';
import { StatusItem } from './status';
import { Terminals } from './terminal';
import type { View } from './words';

/** What other extensions, and our own tests, may see. */
export interface SidecarApi {
  readonly view: () => View;
  readonly threads: () => readonly ThreadItem[];
  /** Fires after each change of what the two give. */
  readonly onChange: Event<void>;
}

let stop: (() => Promise<void>) | undefined;

export function activate(context: ExtensionContext): SidecarApi | undefined {
  const folder = workspace.workspaceFolders?.find((each) => each.uri.scheme === 'file');
  if (!folder) return undefined;
  const log = new Log();
  const read = (): ReturnType<typeof readSettings> => {
    const source = workspace.getConfiguration('sidecar', folder);
    for (const name of overruled(source)) log.warn(`${name} is set by this workspace and ignored: set it in the user settings.`);
    return readSettings(source);
  };
  const address = (): ReturnType<typeof addressFor> => addressFor(folder.uri.fsPath, settings.port, context.workspaceState);
  let settings = read();

  // Before anything that waits: a terminal that opens now must have the address already.
  const terminals = new Terminals(context.environmentVariableCollection, folder, address());
  const furnish = (): void => {
    terminals.apply(settings.terminal && workspace.isTrusted, settings.companion && isAlone(), address());
  };
  furnish();

  const status = new StatusItem();
  const provision = new Provision(context, log, () => { server.say('preparing'); });
  const server = new Server(folder, log, async () => {
    const { program, args } = await provision.command(settings);
    const key = isKeyed(settings.provider) ? await context.secrets.get(secretName(settings.provider)) : undefined;
    const variables = serverEnvironment(settings, address(), folder.uri.fsPath, key);
    return { command: program, args: [...args, 'lsp'], cwd: provision.folder, variables };
  });
  const hooks = new ClaudeHooks({ folder, log, server, provision, settings: () => settings }, (words) => { status.tell(words); });
  const threads = new Threads(server, context.extensionUri.with({ path: `${context.extensionUri.path}/media` }), () => settings);
  const proposals = new Proposals(server, threads, log);
  const changed = new EventEmitter<void>();
  const begin = (): void => {
    if (workspace.isTrusted) void server.restart();
    else server.say('untrusted');
  };
  const reconfigure = (): void => {
    const before = settings;
    settings = read();
    furnish();
    if (needsRestart(before, settings)) begin();
    else if (before.minimumBand !== settings.minimumBand) server.pull().catch(() => undefined);
  };
  const subscriptions: Disposable[] = [
    server.onView((view) => {
      status.show(view);
      if (view.status) terminals.follow(view.status);
      changed.fire();
    }),
    server.onThreads((change) => { threads.apply(change); changed.fire(); }),
    workspace.onDidChangeConfiguration((event) => { if (event.affectsConfiguration('sidecar')) reconfigure(); }),
    workspace.onDidGrantWorkspaceTrust(() => { furnish(); begin(); }),
    follow(server),
    context.secrets.onDidChange(({ key }) => { if (isKeyed(settings.provider) && key === secretName(settings.provider)) begin(); }),
    ...registerCommands({ context, log, server, threads, terminals, proposals, hooks, provision, settings: () => settings }),
  ];
  context.subscriptions.push(...subscriptions, terminals, proposals, hooks, threads, status, server, changed, log);
  stop = () => server.stop();
  begin();
  return { view: () => server.view, threads: () => threads.items(), onChange: changed.event };
}

export function deactivate(): Promise<void> | undefined {
  return stop?.();
}
