/** What each command of the table does. */

import { type CommentReply, type CommentThread, type Disposable, type ExtensionContext, commands, window } from 'vscode';

import { threadActs } from './acts';
import type { Claude } from './claude';
import type { CommandId } from './commands';
import type { Threads } from './comments';
import { type Log, reason } from './log';
import { setApiKey, showMenu } from './menu';
import { mentionSelection } from './companion';
import type { Proposals } from './proposals';
import type { Provision } from './provision';
import { neighbour } from './reconcile';
import type { Server } from './server';
import type { Settings } from './settings';
import type { Terminals } from './terminal';
import { cases, riskWord, threadCount } from './words';

/** The parts that commands act on. */
export interface Parts {
  readonly context: ExtensionContext;
  readonly log: Log;
  readonly server: Server;
  readonly threads: Threads;
  readonly terminals: Terminals;
  readonly claude: Claude;
  readonly proposals: Proposals;
  readonly provision: Provision;
  readonly settings: () => Settings;
}

/** Registers every command of the table. */
export function registerCommands(parts: Parts): Disposable[] {
  return Object.entries(handlers(parts)).map(([id, handler]) => commands.registerCommand(id, handler));
}

function handlers(parts: Parts): Record<CommandId, (...args: never[]) => unknown> {
  const { context, log, server, threads, terminals, proposals, claude } = parts;
  return {
    'sidecar.menu': () => showMenu(server.view),
    'sidecar.review': () => told('look at the change', () => review(server)),
    'sidecar.nextRisk': () => go(threads, 'next'),
    'sidecar.previousRisk': () => go(threads, 'previous'),
    'sidecar.newTerminal': () => terminals.open(),
    'sidecar.connectTools': () => terminals.connect(),
    'sidecar.setApiKey': () => setApiKey(context),
    'sidecar.mention': () => told('reach Claude Code', () => mentionSelection(server)),
    'sidecar.proposal.accept': () => told('accept the edit', () => proposals.accept()),
    'sidecar.proposal.reject': () => told('reject the edit', () => proposals.reject()),
    'sidecar.restart': () => server.restart(),
    'sidecar.showLog': () => {
      log.show();
    },
    'sidecar.repair': () => told('repair its environment', () => repair(parts)),
    'sidecar.openSettings': () => commands.executeCommand('workbench.action.openSettings', `@ext:${context.extension.id}`),
    ...threadActs(threads, server, claude),
    'sidecar.thread.reply': (reply: CommentReply) => threads.reply(reply),
    'sidecar.thread.resolve': (thread: CommentThread | string | undefined) => threads.setState(thread, 'resolved'),
    'sidecar.thread.unresolve': (thread: CommentThread | string | undefined) => threads.setState(thread, 'open'),
  };
}

async function review(server: Server): Promise<void> {
  const { band, score, openThreads } = await server.ask('sidecar/review', {});
  const words = band && score !== null ? `${riskWord(band)} (${cases(score)} like it were repaired later), ${threadCount(openThreads)}` : 'no uncommitted change to review';
  window.setStatusBarMessage(`$(shield) Sidecar: ${words}`, 8_000);
}

async function go(threads: Threads, direction: 'next' | 'previous'): Promise<void> {
  const editor = window.activeTextEditor;
  const place = editor && { uri: editor.document.uri.toString(), line: editor.selection.active.line };
  const item = neighbour(threads.items(), place, direction);
  if (item) await threads.reveal(item);
  else window.setStatusBarMessage('$(shield) Sidecar: no open threads', 5_000);
}

async function repair({ server, provision, settings }: Parts): Promise<void> {
  if (settings().command.length > 0) {
    throw new Error('The server is started with "sidecar.command", so there is no environment of ours to repair.');
  }
  await server.stop();
  await provision.repair(settings());
  await server.restart();
}

/** A failed command says so in a sentence. */
async function told(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    void window.showErrorMessage(`Sidecar could not ${what}. ${reason(error)}`);
  }
}
