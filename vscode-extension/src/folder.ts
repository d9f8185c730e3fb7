/** One folder of the window: its settings, its server, what terminals in it are given, and the outline of its change. */

import type { Disposable} from 'vscode';
import { EventEmitter, type ExtensionContext, type WorkspaceFolder, workspace } from 'vscode';

import { type Address, addressFor } from './address';
import { isAlone } from './companion';
import { ClaudeHooks } from './hooks';
import { type Log, reason } from './log';
import type { OutlineItem, ScopeItem } from './protocol';
import type { Provision } from './provision';
import { Server } from './server';
import { type Settings, isKeyed, needsRestart, overruled, readSettings, secretName, serverEnvironment } from './settings';
import { Single } from './single';
import { Terminals } from './terminal';

const WORKING: ScopeItem = { kind: 'working', ref: '', title: 'Working tree' };

export class Folder implements Disposable {
  readonly server: Server;
  readonly terminals: Terminals;
  readonly hooks: ClaudeHooks;
  settings: Settings;
  /** The change by risk; undefined while nothing is known, and where there is no repository. */
  outline: OutlineItem | undefined;
  private readonly outlined = new EventEmitter<void>();
  private readonly pulling = new Single(() => this.pull());
  private readonly subscriptions: Disposable[];
  private scope: ScopeItem;
  private seen = '';
  private turned = false;

  /** The outline is another one. */
  readonly onOutline = this.outlined.event;

  /** `alone`: no other folder is part of the window, so that every terminal is one of this folder. */
  constructor(
    private readonly context: ExtensionContext,
    readonly folder: WorkspaceFolder,
    private readonly log: Log,
    private readonly provision: Provision,
    alone: boolean,
  ) {
    this.settings = this.read();
    this.scope = context.workspaceState.get<ScopeItem>(this.memory, WORKING);
    // Before anything that waits: a terminal that opens now must have the address already.
    const collection = context.environmentVariableCollection;
    this.terminals = new Terminals(alone ? collection : collection.getScoped({ workspaceFolder: folder }), folder, this.address);
    this.furnish();
    this.server = new Server(folder, log, () => this.launch());
    this.hooks = new ClaudeHooks({ folder, log, server: this.server, provision, settings: () => this.settings }, () => { this.outlined.fire(); });
    this.subscriptions = [
      this.server.onView((view) => {
        if (view.status) this.terminals.follow(view.status);
        if (view.phase !== 'running') this.turned = false;
        if (view.phase === 'stopped') this.setOutline(undefined);
        const now = view.status?.scope ? JSON.stringify([view.status.revision, view.status.scope]) : '';
        if (now && now !== this.seen) this.refresh();
        this.seen = now;
      }),
    ];
  }

  get key(): string {
    return this.folder.uri.toString();
  }

  /** Starts the server, or starts it anew. */
  begin(): void {
    void this.server.restart();
  }

  /** The settings may be others. */
  reconfigure(): void {
    const before = this.settings;
    this.settings = this.read();
    this.furnish();
    if (needsRestart(before, this.settings)) this.begin();
  }

  /** What terminals are given; nothing in a folder that is not trusted. */
  furnish(): void {
    this.terminals.apply(this.settings.terminal && workspace.isTrusted, this.settings.companion && isAlone(), this.address);
  }

  /** Shows the review of another diff. Rejects with a sentence when there is none; then the one before stays. */
  async turn(scope: ScopeItem): Promise<void> {
    await this.server.ask('sidecar/review', { scope });
    this.scope = scope;
    await this.context.workspaceState.update(this.memory, scope);
  }

  dispose(): void {
    for (const each of [...this.subscriptions, this.hooks, this.terminals, this.server, this.outlined]) each.dispose();
  }

  private get memory(): string {
    return `sidecar.scope ${this.key}`;
  }

  private get address(): Address {
    return addressFor(this.folder.uri.fsPath, this.settings.port, this.context.workspaceState);
  }

  private read(): Settings {
    const source = workspace.getConfiguration('sidecar', this.folder);
    for (const name of overruled(source)) this.log.warn(`${name} is set by this workspace and ignored: set it in the user settings.`);
    return readSettings(source);
  }

  private async launch(): ReturnType<ConstructorParameters<typeof Server>[2]> {
    const { program, args } = await this.provision.command(this.settings);
    const { provider } = this.settings;
    const key = isKeyed(provider) && workspace.isTrusted ? await this.context.secrets.get(secretName(provider)) : undefined;
    const variables = serverEnvironment(this.settings, this.address, this.folder.uri.fsPath, key, workspace.isTrusted);
    return { command: program, args: [...args, 'lsp'], cwd: this.provision.folder, variables };
  }

  private refresh(): void {
    this.pulling.run().catch((error: unknown) => {
      this.log.warn(`Sidecar could not list the change: ${reason(error)}`);
    });
  }

  /** A server that was started anew shows the working tree: turn it to what was shown before. */
  private async pull(): Promise<void> {
    const shown = this.server.status?.scope;
    const wanted = this.scope;
    const again = !this.turned && shown && (shown.kind !== wanted.kind || shown.ref !== wanted.ref);
    this.turned = true;
    if (again) {
      this.scope = WORKING;
      await this.turn(wanted).catch((error: unknown) => { this.log.warn(`The review shows the working tree again: ${reason(error)}`); });
    }
    this.setOutline(await this.server.ask('sidecar/review/outline', null));
  }

  private setOutline(outline: OutlineItem | undefined): void {
    this.outline = outline;
    this.outlined.fire();
  }
}
