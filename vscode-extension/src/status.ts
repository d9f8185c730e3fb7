/** The status item: provider, port and the change's risk at a glance, details on hover, the menu on a click. */

import { type Disposable, MarkdownString, StatusBarAlignment, type StatusBarItem, ThemeColor, window } from 'vscode';

import { type View, escapeMarkdown, statusDetails, statusText } from './words';

const LINKS = { 'sidecar.showReview': 'Show review', 'sidecar.review': 'Review now', 'sidecar.newTerminal': 'New Claude terminal', 'sidecar.showLog': 'Show log' };

export class StatusItem implements Disposable {
  private readonly item: StatusBarItem;
  private view: View | undefined;
  private hooks = '';

  constructor() {
    this.item = window.createStatusBarItem('sidecar.status', StatusBarAlignment.Right, 90);
    this.item.name = 'Sidecar';
    this.item.command = 'sidecar.menu';
  }

  show(view: View): void {
    this.view = view;
    const { text, spoken, tone } = statusText(view);
    this.item.text = text;
    this.item.accessibilityInformation = { label: spoken, role: 'button' };
    this.item.backgroundColor = tone === 'plain' ? undefined : new ThemeColor(`statusBarItem.${tone}Background`);
    this.item.tooltip = tooltip(view, spoken, this.hooks);
    this.item.show();
  }

  /** Says how the guards on Claude Code stand. */
  tell(hooks: string): void {
    this.hooks = hooks;
    if (this.view) this.show(this.view);
  }

  /** In a window without a folder there is nothing to tell. */
  hide(): void {
    this.item.hide();
  }

  dispose(): void {
    this.item.dispose();
  }
}

function tooltip(view: View, spoken: string, hooks: string): MarkdownString {
  const text = new MarkdownString('**Sidecar for Claude Code**\n\n', true);
  text.isTrusted = { enabledCommands: Object.keys(LINKS) };
  const details = statusDetails(view, hooks);
  if (view.status?.message) text.appendMarkdown(`$(warning) ${escapeMarkdown(view.status.message)}\n\n`);
  if (details.length === 0) text.appendMarkdown(`${escapeMarkdown(spoken)}\n\n`);
  else text.appendMarkdown(`| | |\n|:--|:--|\n${details.map(([label, value]) => `| ${label.replaceAll(' ', '&nbsp;')}&nbsp;&nbsp;&nbsp; | ${escapeMarkdown(value)} |\n`).join('')}\n`);
  const links = Object.entries(LINKS).map(([command, title]) => `[${title}](command:${command})`);
  return text.appendMarkdown(links.join('  ·  '));
}
