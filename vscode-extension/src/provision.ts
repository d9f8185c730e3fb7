/** Decides with which command the server is started, and lets the user watch and mend the making of its environment. */

import { type ExtensionContext, ProgressLocation, Uri, commands, window, workspace } from 'vscode';

import { type EnvironmentPlan, SetupProblem, findEnvironment, makeEnvironment, readBundle } from './environment';
import type { Log } from './log';
import type { Settings } from './settings';

/** A program and its first arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

export class Provision {
  constructor(
    private readonly context: ExtensionContext,
    private readonly log: Log,
    private readonly onPreparing: () => void,
  ) {}

  /** Where the server may keep files of its own, outside of any project. */
  get folder(): string {
    return this.context.globalStorageUri.fsPath;
  }

  /** The command that runs sidecar. Makes the environment when it is needed. Throws SetupProblem, having told the user. */
  async command(settings: Settings): Promise<Command> {
    await workspace.fs.createDirectory(this.context.globalStorageUri);
    const [program, ...args] = settings.command;
    if (program !== undefined) return { program, args };
    return pythonCommand(await this.environment(settings, false));
  }

  /** Makes the environment anew, whatever stands. */
  async repair(settings: Settings): Promise<void> {
    await workspace.fs.createDirectory(this.context.globalStorageUri);
    await this.environment(settings, true);
  }

  private async environment(settings: Settings, anew: boolean): Promise<string> {
    const stop = new AbortController();
    try {
      const plan = await this.plan(settings, stop.signal);
      const standing = anew ? undefined : await findEnvironment(plan);
      return standing ?? (await this.makeVisibly(plan, anew, stop));
    } catch (error) {
      if (error instanceof SetupProblem) void this.explain(error);
      throw error;
    }
  }

  private async plan(settings: Settings, signal: AbortSignal): Promise<EnvironmentPlan> {
    return {
      root: Uri.joinPath(this.context.globalStorageUri, 'env').fsPath,
      version: (this.context.extension.packageJSON as { version: string }).version,
      bundle: await readBundle(Uri.joinPath(this.context.extensionUri, 'bundled').fsPath),
      python: settings.python,
      wheelhouse: settings.wheelhouse,
      say: (line) => {
        this.log.info(line);
      },
      signal,
      platform: process.platform,
    };
  }

  private makeVisibly(plan: EnvironmentPlan, anew: boolean, stop: AbortController): Thenable<string> {
    this.onPreparing();
    const options = {
      location: ProgressLocation.Notification,
      title: 'Sidecar: preparing its Python environment',
      cancellable: true,
    };
    return window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => {
        stop.abort();
      });
      const say = (line: string): void => {
        plan.say(line);
        progress.report({ message: shorten(line) });
      };
      return makeEnvironment({ ...plan, say }, anew);
    });
  }

  private async explain(problem: SetupProblem): Promise<void> {
    if (problem.kind === 'cancelled') return;
    const mend = problem.kind === 'no-python' ? 'Choose Python…' : problem.kind === 'no-bundle' ? 'Open Settings' : 'Try Again';
    const answer = await window.showErrorMessage(problem.message, mend, 'Show Log');
    if (answer === 'Show Log') this.log.show();
    else if (answer === 'Try Again') await commands.executeCommand('sidecar.restart');
    else if (answer === 'Open Settings') await commands.executeCommand('sidecar.openSettings');
    else if (answer !== undefined) await choosePython();
  }
}

/** `-I`: neither the project's folder nor the environment of the user's shell can put modules before ours. */
function pythonCommand(python: string): Command {
  return { program: python, args: ['-I', '-m', 'sidecar'] };
}

async function choosePython(): Promise<void> {
  const [chosen] = (await window.showOpenDialog({ title: 'Choose Python 3.11 or newer', openLabel: 'Use This Python' })) ?? [];
  if (chosen) await workspace.getConfiguration('sidecar').update('python', chosen.fsPath, true);
}

function shorten(line: string): string {
  return line.length > 90 ? `${line.slice(0, 89)}…` : line;
}
