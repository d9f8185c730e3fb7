/** The guards on Claude Code's own tools as the server's command line tells of them, in words. Pure: does not import `vscode`. */

/** Where a guard can stand: this workspace (the user's own or the shared file), or everywhere. */
export const SCOPES = ['local', 'project', 'user'] as const;
export type Scope = (typeof SCOPES)[number];
export type GuardState = 'installed' | 'outdated' | 'absent';
export type GuardName = 'bash' | 'risk';

/** The answer of `sidecar hooks status --json`, what is needed of it. */
export interface Guards {
  readonly guards: Readonly<Record<GuardName, Readonly<Record<Scope, GuardState>>>>;
  readonly pre_push: boolean;
  /** The settings file whose `disableAllHooks` switches them off; empty when none does. */
  readonly off: string;
  /** From which risk an edit stops; `off` for none. */
  readonly level: string;
}

/** What a person picks to have installed. */
export interface Choice {
  readonly bash: boolean;
  readonly risk: boolean;
  readonly git: boolean;
  readonly scope: Scope;
}

export const SCOPE_WORDS: Readonly<Record<Scope, { readonly label: string; readonly detail: string }>> = {
  local: { label: 'This workspace, only for me', detail: '.claude/settings.local.json' },
  project: { label: 'This workspace, for everybody', detail: '.claude/settings.json, which is usually committed' },
  user: { label: 'All my projects', detail: 'settings.json in my Claude folder' },
};

const NAMES: Readonly<Record<GuardName, string>> = { bash: 'git guard', risk: 'risk gate' };
const PLACES: Readonly<Record<Scope, string>> = { local: 'here', project: 'for the project', user: 'everywhere' };

/** The guards of an answer, which is its one line of JSON; undefined for anything else. `level` is the editor's own, which wins. */
export function parseGuards(text: string, level = 'off'): Guards | undefined {
  const line = text.split('\n').find((each) => each.startsWith('{')) ?? '';
  try {
    const told = JSON.parse(line) as Partial<Guards>;
    if (!told.guards || !('bash' in told.guards && 'risk' in told.guards)) return undefined;
    const from = level === 'off' ? (told.level ?? 'off') : level;
    return { guards: told.guards, pre_push: told.pre_push === true, off: told.off ?? '', level: from };
  } catch {
    return undefined;
  }
}

/** Where a guard stands, outdated or not. */
export function places(found: Guards, name: GuardName): readonly Scope[] {
  return SCOPES.filter((scope) => found.guards[name][scope] !== 'absent');
}

/** Whether anything is there that could be removed. */
export function isAnythingThere(found: Guards): boolean {
  return found.pre_push || places(found, 'bash').length > 0 || places(found, 'risk').length > 0;
}

/** One line for the menu and the status details: "git guard here; risk gate everywhere, from high risk". */
export function guardWords(found: Guards | undefined): string {
  if (!found) return 'not known';
  const parts = (['bash', 'risk'] as const).flatMap((name) => words(found, name));
  if (found.pre_push) parts.push('pre-push hook');
  if (parts.length === 0) return 'not installed';
  const told = parts.join('; ');
  return found.off ? `off (disableAllHooks in ${found.off}): ${told}` : told;
}

function words(found: Guards, name: GuardName): readonly string[] {
  const there = places(found, name);
  if (there.length === 0) return [];
  const old = there.some((scope) => found.guards[name][scope] === 'outdated') ? ' (outdated: install it again)' : '';
  const from = name === 'risk' ? (found.level === 'off' ? ', no edit stops (sidecar.gate.level is off)' : `, from ${found.level} risk`) : '';
  return [`${NAMES[name]} ${there.map((scope) => PLACES[scope]).join(' and ')}${from}${old}`];
}

/** The words behind `sidecar` that install what was picked. */
export function installing({ bash, risk, git, scope }: Choice): readonly string[] {
  return ['hooks', 'install', '--quiet', '--scope', scope, bash ? '--bash' : '--no-bash', risk ? '--risk' : '--no-risk', ...(git ? ['--git'] : [])];
}

/** The words behind `sidecar` that remove one guard, or git's hook. */
export function removing(name: GuardName | 'git', scope: Scope): readonly string[] {
  const only = (guard: GuardName): string => (name === guard ? `--${guard}` : `--no-${guard}`);
  return ['hooks', 'remove', '--quiet', '--scope', scope, only('bash'), only('risk'), ...(name === 'git' ? ['--git'] : [])];
}
