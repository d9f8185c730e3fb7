/** The choice of the diff that is reviewed: a list with the plain ones, other bases of the branch, and the last commits. */

import { type QuickPickItem, QuickPickItemKind, ThemeIcon, window } from 'vscode';

import type { Folder } from './folder';
import { reason } from './log';
import type { ScopeItem } from './protocol';

interface Pick extends QuickPickItem {
  readonly scope?: ScopeItem;
}

const ICONS: Readonly<Record<ScopeItem['kind'], string>> = { working: 'edit', staged: 'diff-added', branch: 'git-branch', commit: 'git-commit' };
const DETAILS: Readonly<Record<ScopeItem['kind'], string>> = {
  working: 'All that is not committed',
  staged: 'What the next commit will hold',
  branch: 'The commits since the branch left its upstream, main or master',
  commit: '',
};

/** Lets the user choose, then shows that review. */
export async function chooseScope(folder: Folder): Promise<void> {
  const current = folder.server.status?.scope ?? undefined;
  const picks = folder.server.ask('sidecar/review/scopes', null).then(({ scopes }) => picksOf(scopes, current));
  const title = 'Sidecar: what to review';
  const chosen = await window.showQuickPick(picks, { title, placeHolder: current ? `Now: ${current.title}` : 'Choose a diff', matchOnDescription: true });
  if (!chosen?.scope) return;
  try {
    await folder.turn(chosen.scope);
  } catch (error) {
    void window.showErrorMessage(`Sidecar could not show that review. ${reason(error)}`);
  }
}

function picksOf(scopes: readonly ScopeItem[], current: ScopeItem | undefined): Pick[] {
  const plain = scopes.filter((scope) => scope.kind !== 'commit' && scope.ref === '');
  const bases = scopes.filter((scope) => scope.kind === 'branch' && scope.ref !== '');
  const commits = scopes.filter((scope) => scope.kind === 'commit');
  const rows = (group: readonly ScopeItem[]): Pick[] => group.map((scope) => pickOf(scope, current));
  return [
    ...rows(plain),
    ...(bases.length > 0 ? [separator('This branch against')] : []),
    ...rows(bases),
    ...(commits.length > 0 ? [separator('One commit')] : []),
    ...rows(commits),
  ];
}

function pickOf(scope: ScopeItem, current: ScopeItem | undefined): Pick {
  const shown = scope.kind === current?.kind && scope.ref === current.ref;
  const description = [scope.kind === 'commit' ? scope.ref.slice(0, 8) : '', scope.ref === '' ? DETAILS[scope.kind] : '', shown ? 'shown now' : ''];
  return { scope, label: scope.title, description: description.filter(Boolean).join(' · '), iconPath: new ThemeIcon(shown ? 'check' : ICONS[scope.kind]) };
}

function separator(label: string): Pick {
  return { label, kind: QuickPickItemKind.Separator };
}
