/** Hands tasks to Claude Code: to the one that runs in a terminal of this window, else to a new one, else to the clipboard. */

import { Disposable, type Terminal, type Uri, env, window, workspace } from 'vscode';

import { VARIABLE, isClaude, launchLine, pasted, quotes } from './handover';
import type { Terminals } from './terminal';

/** Follows, by the shells' own word, in which terminals Claude Code runs. */
export class Claude implements Disposable {
  /** The terminals in which it runs, the newest last, with the shell that it was started from. */
  private readonly running = new Map<Terminal, string | undefined>();
  private readonly subscriptions: Disposable[];

  constructor(private readonly terminals: (of?: Uri) => Terminals | undefined) {
    this.subscriptions = [
      window.onDidStartTerminalShellExecution(({ terminal, execution }) => {
        this.running.delete(terminal);
        if (isClaude(execution.commandLine.value)) this.running.set(terminal, terminal.state.shell);
      }),
      window.onDidEndTerminalShellExecution(({ terminal }) => { this.running.delete(terminal); }),
      window.onDidCloseTerminal((terminal) => { this.running.delete(terminal); }),
    ];
  }

  /**
   * Takes a task to Claude Code; a new terminal is one of the folder `of` a file.
   *
   * A task holds text of the repository, so it never becomes part of a command line: a new terminal gets it as a variable,
   * a running Claude Code as a paste that is one quoted word, should a shell read it after all. Enter is left to the
   * user: it might answer a question that stands there.
   */
  async handOver(task: string, of?: Uri): Promise<void> {
    if (!workspace.isTrusted) return copy(task, 'This folder is not trusted');
    const terminal = this.latest();
    if (terminal) {
      terminal.show();
      terminal.sendText(pasted(task), false);
      window.setStatusBarMessage('$(sparkle) Sidecar: the task stands in the prompt of Claude Code; Enter sends it', 10_000);
      return;
    }
    const line = launchLine(env.shell);
    if (!line) return copy(task, 'Sidecar does not know how to hand a task over in your shell');
    this.terminals(of)?.open(line, { [VARIABLE]: task });
  }

  dispose(): void {
    Disposable.from(...this.subscriptions).dispose();
  }

  /** The active terminal if it runs Claude Code, else the newest that does; none whose shell has other quotes than ours. */
  private latest(): Terminal | undefined {
    const fit = [...this.running].filter(([, shell]) => quotes(shell, env.shell)).map(([terminal]) => terminal);
    return fit.find((each) => each === window.activeTerminal) ?? fit.at(-1);
  }
}

async function copy(task: string, why: string): Promise<void> {
  await env.clipboard.writeText(task);
  void window.showInformationMessage(`${why}, so the task is on the clipboard: paste it into Claude Code.`);
}
