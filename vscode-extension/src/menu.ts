/** The menu behind the status item, and the dialogue that sets a provider up. */

import { ConfigurationTarget, type ExtensionContext, type QuickPickItem, QuickPickItemKind, ThemeIcon, commands, window, workspace } from 'vscode';

import { COMMANDS, type CommandId, type CommandLook, menuGroups } from './commands';
import { type KeyedProvider, UPSTREAMS, addressProblem, isKeyed, readSettings, secretName } from './settings';
import { type View, statusText } from './words';

interface CommandPick extends QuickPickItem {
  readonly id?: CommandId;
}

/** Shows the menu and runs what is chosen; `more` says how things stand, beside what a command does. */
export async function showMenu(view: View, more: Partial<Record<CommandId, string>> = {}): Promise<void> {
  const picks: CommandPick[] = menuGroups().flatMap(([group, ids]) => [
    { label: group, kind: QuickPickItemKind.Separator },
    ...ids.map((id) => pickOf(id, more[id])),
  ]);
  const chosen = await window.showQuickPick(picks, { title: 'Sidecar for Claude Code', placeHolder: statusText(view).spoken });
  if (chosen?.id) await commands.executeCommand(chosen.id);
}

function pickOf(id: CommandId, standing = ''): CommandPick {
  const look: CommandLook = COMMANDS[id];
  const description = [look.detail, standing].filter(Boolean).join(' · ');
  return { id, label: look.title, iconPath: new ThemeIcon(look.icon), ...(description ? { description } : {}) };
}

/** Asks for a provider, its address where it needs one, and its key; the settings and secrets then hold them. */
export async function setApiKey(context: ExtensionContext): Promise<void> {
  const settings = workspace.getConfiguration('sidecar');
  const current = readSettings(settings).provider;
  const provider = await pickProvider(isKeyed(current) ? current : undefined);
  if (!provider) return;
  const { title, address } = UPSTREAMS[provider];
  const total = address ? 2 : 1;
  if (address) {
    const value = await window.showInputBox({
      title: `${title}: address (1/${total})`,
      prompt: `For example ${address.example}. Leave empty if the environment names it.`,
      value: settings.get<string>(address.setting) ?? '',
      ignoreFocusOut: true,
      validateInput: (text) => (text.trim() === '' ? undefined : addressProblem(text)),
    });
    if (value === undefined) return;
    await settings.update(address.setting, value.trim(), ConfigurationTarget.Global);
  }
  const key = await window.showInputBox({
    title: `${title}: API key (${total}/${total})`,
    prompt: "Kept in VS Code's secret storage. Leave empty to remove a stored key.",
    password: true,
    ignoreFocusOut: true,
  });
  if (key === undefined) return;
  if (key.trim()) await context.secrets.store(secretName(provider), key.trim());
  else await context.secrets.delete(secretName(provider));
  if (provider !== current) await settings.update('provider', provider, ConfigurationTarget.Global);
}

async function pickProvider(current: KeyedProvider | undefined): Promise<KeyedProvider | undefined> {
  const picks = (Object.keys(UPSTREAMS) as KeyedProvider[]).map((id) => ({
    id,
    label: UPSTREAMS[id].title,
    ...(id === current ? { description: 'in use' } : {}),
  }));
  const chosen = await window.showQuickPick(picks, { title: 'Sidecar: provider', placeHolder: 'Whose key is it?' });
  return chosen?.id;
}
