/** What each command of the table does. */

import { type CommentReply, type Disposable, type ExtensionContext, commands, window } from 'vscode';

import { threadActs } from './acts';
import type { Claude } from './claude';
import type { CommandId } from './commands';
import type { Threads } from './comments';
import type { Critiques } from './critique';
import type { Dashboards } from './dashboard';
import type { Fleet } from './fleet';
import type { Folder } from './folder';
import { type Log, reason } from './log';
import { setApiKey, showMenu } from './menu';
import { mentionSelection } from './companion';
import type { Proposals } from './proposals';
import type { ModelReviewParams } from './protocol';
import type { Provision } from './provision';
import { chooseScope } from './scopes';
import type { Row } from './tree';
import type { Visits } from './visits';
import { cases, riskWord, threadCount } from './words';

/** The parts that commands act on. */
export interface Parts {
  readonly context: ExtensionContext;
  readonly log: Log;
  readonly fleet: Fleet;
  readonly threads: Threads;
  readonly claude: Claude;
  readonly proposals: Proposals;
  readonly critiques: Critiques;
  readonly dashboards: Dashboards;
  readonly provision: Provision;
  readonly visits: Visits;
}

/** Registers every command of the table. */
export function registerCommands(parts: Parts): Disposable[] {
  return Object.entries(handlers(parts)).map(([id, handler]) => commands.registerCommand(id, ON_ROWS.test(id) ? onRow(handler) : handler));
}

/** The commands that menus of the view offer on a row, and keys at the cursor. */
const ON_ROWS = /^sidecar\.(thread|change)\./;

/**
 * Such a menu gives two arguments, the row and what else is selected; keys give none. While VS Code asks for all rows anew it knows none of
 * them and gives nothing for the row: then the act is not done, for whatever is at the cursor was not meant.
 */
function onRow(handler: (...args: never[]) => unknown): (...args: never[]) => unknown {
  return (...given) => {
    const [row] = given as readonly unknown[];
    if (given.length < 2 || row) return handler(...given);
    void window.showWarningMessage('The rows of the review were just drawn anew, so nothing was done. Choose it again.');
    return undefined;
  };
}

function handlers(parts: Parts): Record<CommandId, (...args: never[]) => unknown> {
  const { context, log, fleet, threads, proposals, critiques, claude, visits } = parts;
  return {
    'sidecar.menu': () => showMenu(fleet.view, { 'sidecar.installHooks': fleet.of()?.hooks.words ?? '' }),
    'sidecar.review': () => told('look at the change', () => review(fleet)),
    'sidecar.reviewWithModel': (params?: ModelReviewParams) => told('review the change', () => critiques.review(params)),
    'sidecar.scope': (row?: Row) => told('list what can be reviewed', () => withFolder(visits, row, chooseScope)),
    'sidecar.nextRisk': () => told('go to the next risk', () => visits.go('next')),
    'sidecar.previousRisk': () => told('go to the risk before', () => visits.go('previous')),
    'sidecar.showReview': () => told('show the review', () => visits.all()),
    'sidecar.dashboard': () => told('show the dashboard', () => withFolder(visits, undefined, (folder) => parts.dashboards.show(folder))),
    'sidecar.change.diff': (row?: Row) => told('open the changes', () => visits.changes(row)),
    'sidecar.change.open': (row?: Row) => told('open the file', () => visits.file(row)),
    'sidecar.newTerminal': () => withFolder(visits, undefined, (folder) => folder.terminals.open()),
    'sidecar.connectTools': () => withFolder(visits, undefined, (folder) => folder.terminals.connect()),
    'sidecar.installHooks': () => told('install the hooks', () => withFolder(visits, undefined, (folder) => folder.hooks.install())),
    'sidecar.removeHooks': () => told('remove the hooks', () => withFolder(visits, undefined, (folder) => folder.hooks.remove())),
    'sidecar.setApiKey': () => setApiKey(context),
    'sidecar.mention': () => told('reach Claude Code', () => mentionSelection(fleet)),
    'sidecar.proposal.accept': () => told('accept the edit', () => proposals.accept()),
    'sidecar.proposal.reject': () => told('reject the edit', () => proposals.reject()),
    'sidecar.restart': () => fleet.restart(),
    'sidecar.showLog': () => {
      log.show();
    },
    'sidecar.repair': () => told('repair its environment', () => repair(parts)),
    'sidecar.openSettings': () => commands.executeCommand('workbench.action.openSettings', `@ext:${context.extension.id}`),
    ...threadActs(threads, fleet, claude),
    'sidecar.thread.reply': (reply: CommentReply) => threads.reply(reply),
    'sidecar.thread.goTo': (row?: Row) => told('go there', () => visits.row(row)),
  };
}

async function review(fleet: Fleet): Promise<void> {
  const [mine, ...others] = [fleet.of(), ...fleet.all().filter((each) => each !== fleet.of())];
  if (!mine) throw new Error('Open a folder first.');
  const [{ band, score, openThreads }] = await Promise.all([mine.server.ask('sidecar/review', {}), ...others.map(({ server }) => server.ask('sidecar/review', {}))]);
  const words = band && score !== null ? `${riskWord(band)} (${cases(score)} like it were repaired later), ${threadCount(openThreads)}` : 'nothing to review';
  window.setStatusBarMessage(`$(shield) Sidecar: ${words}`, 8_000);
}

async function withFolder(visits: Visits, row: Row | undefined, act: (folder: Folder) => unknown): Promise<void> {
  const folder = await visits.folder(row);
  if (folder) await act(folder);
}

async function repair({ fleet, provision }: Parts): Promise<void> {
  const settings = fleet.of()?.settings;
  if (!settings || settings.command.length > 0) {
    throw new Error('The server is started with "sidecar.command", so there is no environment of ours to repair.');
  }
  await fleet.stop();
  await provision.repair(settings);
  await fleet.restart();
}

/** A failed command says so in a sentence. */
async function told(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    void window.showErrorMessage(`Sidecar could not ${what}. ${reason(error)}`);
  }
}
