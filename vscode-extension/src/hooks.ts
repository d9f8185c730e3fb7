/** Offers the guards on Claude Code's own tools: installs and removes them when asked to, and tells how they stand. */

import { ConfigurationTarget, type Disposable, type QuickPickItem, RelativePattern, type WorkspaceFolder, window, workspace } from 'vscode';

import { type Choice, type GuardName, type Guards, SCOPES, SCOPE_WORDS, type Scope, guardWords, installing, isAnythingThere, parseGuards, places, removing } from './guards';
import { type Log, reason } from './log';
import type { Provision } from './provision';
import { run } from './python';
import type { Server } from './server';
import type { Settings } from './settings';

const LIMIT_MS = 60_000;

/** What it works with. */
export interface Parts {
  readonly folder: WorkspaceFolder;
  readonly log: Log;
  readonly server: Server;
  readonly provision: Provision;
  readonly settings: () => Settings;
}

interface Pick<T> extends QuickPickItem {
  readonly value: T;
}

export class ClaudeHooks implements Disposable {
  private found: Guards | undefined;
  private begun = false;
  private readonly watching: readonly Disposable[];

  /** `tell` hears each time how the guards stand, in a line. */
  constructor(
    private readonly parts: Parts,
    private readonly tell: (words: string) => void,
  ) {
    const watcher = workspace.createFileSystemWatcher(new RelativePattern(parts.folder, '.claude/settings*.json'));
    const events = [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete];
    // The first look waits until the server runs: it must never be held up by this.
    const first = parts.server.onView((view) => { if (view.status) this.begin(); });
    this.watching = [watcher, first, ...events.map((event) => event(() => { if (this.begun) void this.refresh(); }))];
  }

  /** How the guards stand, in a line. */
  get words(): string {
    return guardWords(this.found);
  }

  /** Looks again; what cannot be told is not known, and the log says why. Writes nothing. */
  async refresh(): Promise<void> {
    try {
      // Exit code 1 only says that none is there.
      this.found = parseGuards(await this.run(['hooks', 'status', '--json'], [0, 1]), this.parts.settings().gateLevel);
    } catch (error) {
      this.found = undefined;
      this.parts.log.warn(`The guards of Claude Code cannot be told: ${reason(error)}`);
    }
    this.tell(this.words);
  }

  /** Asks what to install and where, then does it. Nothing is written before both are answered. */
  async install(): Promise<void> {
    const picked = await window.showQuickPick(this.offers(), {
      title: 'Install Claude hooks (1/2): what',
      placeHolder: 'What shall Claude Code ask Sidecar about?',
      canPickMany: true,
      ignoreFocusOut: true,
    });
    if (!picked || picked.length === 0) return;
    const has = (name: string): boolean => picked.some(({ value }) => value === name);
    const scope = has('bash') || has('risk') ? await pickScope('Install Claude hooks (2/2): where', SCOPES) : 'local';
    if (!scope) return;
    const choice: Choice = { bash: has('bash'), risk: has('risk'), git: has('git'), scope };
    if (choice.risk && !(await this.chooseLevel())) return;
    await this.run(installing(choice), [0]);
    await this.refresh();
    window.setStatusBarMessage(`$(shield) Sidecar: ${this.words}`, 8_000);
  }

  /** Asks which guard to remove, and removes it. */
  async remove(): Promise<void> {
    await this.refresh();
    const there = this.found;
    if (!there || !isAnythingThere(there)) {
      void window.showInformationMessage('Sidecar has no guards on Claude Code here.');
      return;
    }
    const picks: Pick<readonly [GuardName | 'git', Scope]>[] = (['bash', 'risk'] as const).flatMap((name) =>
      places(there, name).map((scope) => ({ label: OFFERS[name].label, description: SCOPE_WORDS[scope].label, detail: SCOPE_WORDS[scope].detail, value: [name, scope] as const })),
    );
    if (there.pre_push) picks.push({ label: OFFERS.git.label, detail: OFFERS.git.detail, value: ['git', 'local'] });
    const chosen = await window.showQuickPick(picks, { title: 'Remove Claude hooks', placeHolder: 'Which one?', canPickMany: true, ignoreFocusOut: true });
    for (const { value } of chosen ?? []) await this.run(removing(...value), [0]);
    await this.refresh();
  }

  dispose(): void {
    for (const each of this.watching) each.dispose();
  }

  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    void this.refresh();
  }

  private offers(): Pick<GuardName | 'git'>[] {
    return (Object.keys(OFFERS) as (GuardName | 'git')[]).map((value) => ({ ...OFFERS[value], value, picked: value === 'bash' }));
  }

  /** A gate that stops nothing would be a riddle: where no level is set, one is chosen. False when the user left. */
  private async chooseLevel(): Promise<boolean> {
    const settings = workspace.getConfiguration('sidecar', this.parts.folder);
    const level = settings.inspect<string>('gate.level')?.globalValue ?? 'off';
    if (level !== 'off') return true;
    const chosen = await window.showQuickPick(LEVELS, { title: 'Risk gate: from which risk do edits stop for you?', ignoreFocusOut: true });
    if (!chosen) return false;
    await settings.update('gate.level', chosen.value, ConfigurationTarget.Global);
    return true;
  }

  /** Runs `sidecar`; gives what it wrote. Throws what it said where its exit code is another. */
  private async run(words: readonly string[], good: readonly number[]): Promise<string> {
    const { program, args } = await this.parts.provision.command(this.parts.settings());
    const line = [...args, ...words, '--workspace', this.parts.folder.uri.fsPath];
    const { code, output } = await run(program, line, { cwd: this.parts.provision.folder, timeoutMs: LIMIT_MS });
    if (code !== null && good.includes(code)) return output;
    throw new Error(output.trim().replace(/^sidecar: /, '') || 'It ended without a word.');
  }
}

const OFFERS: Readonly<Record<GuardName | 'git', { readonly label: string; readonly detail: string }>> = {
  bash: { label: 'Git guard', detail: "Claude's own commands obey your rules for git: push, pull, commit, force (POLICY_GIT_…)" },
  risk: { label: 'Risk gate', detail: "Claude's own edits stop for you where their risk is high, also in auto mode" },
  git: { label: 'pre-push hook', detail: "This repository's git asks as well, so scripts obey the rules, too" },
};

const LEVELS: readonly Pick<string>[] = [
  { label: 'High risk', description: 'high and very high', value: 'high' },
  { label: 'Very high risk', description: 'only that', value: 'critical' },
  { label: 'Some risk', description: 'all but low', value: 'medium' },
];

async function pickScope(title: string, scopes: readonly Scope[]): Promise<Scope | undefined> {
  const picks = scopes.map((value) => ({ ...SCOPE_WORDS[value], value }));
  return (await window.showQuickPick(picks, { title, placeHolder: "Which of Claude's settings files?", ignoreFocusOut: true }))?.value;
}
