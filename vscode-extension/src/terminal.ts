/** What new terminals are given so that the Claude Code CLI in them is answered by this window's server. */

import {
  type Disposable,
  type EnvironmentVariableCollection,
  ShellExecution,
  ShellQuoting,
  Task,
  type Terminal,
  ThemeIcon,
  type WorkspaceFolder,
  tasks,
  window,
} from 'vscode';

import { type Address, baseUrl } from './address';
import { connecting, terminalVariables } from './connect';
import type { Status } from './protocol';

/** By these the CLI connects to its IDE without being asked to. */
const COMPANION = ['CLAUDE_CODE_SSE_PORT', 'ENABLE_IDE_INTEGRATION'] as const;
const DESCRIPTION = 'Claude Code in this terminal is answered by Sidecar';

export class Terminals implements Disposable {
  private port: number;
  private companionPort: number;
  private companion = false;
  private enabled = false;
  private told = false;

  constructor(
    private readonly collection: EnvironmentVariableCollection,
    private readonly folder: WorkspaceFolder,
    private address: Address,
  ) {
    this.port = address.port;
    this.companionPort = address.companionPort;
    collection.persistent = false;
    collection.description = DESCRIPTION;
  }

  /**
   * Sets the environment of terminals that are opened from now on, or leaves it alone. Synchronous. With `companion`
   * the CLI takes this window for its IDE.
   */
  apply(enabled: boolean, companion: boolean, address: Address): void {
    if (address.port !== this.address.port) this.port = address.port;
    this.address = address;
    this.enabled = enabled;
    this.companion = companion;
    this.write();
  }

  /** Follows the endpoint when it had to take another port than the one asked for. */
  follow(status: Status): void {
    if (status.companionPort !== 0 && status.companionPort !== this.companionPort) {
      this.companionPort = status.companionPort;
      this.write();
    }
    if (status.port === 0 || status.port === this.port) return;
    const before = this.port;
    this.port = status.port;
    this.write();
    if (!this.enabled || this.told) return;
    this.told = true;
    void this.offerTerminal(`Port ${before} is taken, so Sidecar listens on ${status.port}. Terminals opened before do not reach it.`);
  }

  /** Opens a terminal and starts the Claude Code CLI in it; `line` may say more, about these variables. */
  open(line = 'claude', more: Readonly<Record<string, string>> = {}): Terminal {
    const terminal = window.createTerminal({
      name: 'Claude',
      iconPath: new ThemeIcon('sparkle'),
      cwd: this.folder.uri,
      env: { ...this.variables(), ...more },
    });
    terminal.show();
    terminal.sendText(line);
    return terminal;
  }

  /** Tells Claude Code of our tools, for this project and until it is told otherwise; only after a yes. */
  async connect(): Promise<void> {
    const answer = await window.showInformationMessage(
      'Connect Claude Code to the tools of Sidecar in this project?',
      { modal: true, detail: 'Runs `claude mcp add` once. It is noted in your own Claude settings; `claude mcp remove sidecar` undoes it.' },
      'Connect',
    );
    if (!answer) return;
    const words = connecting().map((value) => ({ value, quoting: ShellQuoting.Strong }));
    const execution = new ShellExecution('claude', words, { env: this.variables() });
    await tasks.executeTask(new Task({ type: 'sidecar.connect' }, this.folder, 'Connect Claude Code', 'Sidecar', execution, []));
  }

  dispose(): void {
    this.collection.clear();
  }

  private write(): void {
    if (!this.enabled) {
      this.collection.clear();
      return;
    }
    for (const [name, value] of Object.entries(this.variables())) this.collection.replace(name, value);
    if (!this.companion) for (const name of COMPANION) this.collection.delete(name);
  }

  private variables(): Record<string, string> {
    const [port, wanted] = COMPANION;
    const companion = this.companion ? { [port]: String(this.companionPort), [wanted]: 'true' } : {};
    return { ...terminalVariables(baseUrl(this.port), this.address.token), ...companion };
  }

  private async offerTerminal(message: string): Promise<void> {
    const answer = await window.showInformationMessage(message, 'New Claude Terminal');
    if (answer) this.open();
  }
}
