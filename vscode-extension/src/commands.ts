/** One table of all commands: what they are called, how they look in the menu, and whether they stand there. Pure. */

/** A command as people see it. `group` is its place in the menu; without one it is not in the menu. */
export interface CommandLook {
  readonly title: string;
  readonly icon: string;
  readonly detail?: string;
  readonly group?: 'Review' | 'Claude Code' | 'Server';
}

export const COMMANDS = {
  'sidecar.menu': { title: 'Show Menu', icon: 'menu' },
  'sidecar.review': {
    title: 'Review Changes Now',
    icon: 'refresh',
    detail: 'Look at the change again',
    group: 'Review',
  },
  'sidecar.scope': {
    title: 'Choose What to Review',
    icon: 'versions',
    detail: 'Working tree, staged, the branch against its base, a commit',
    group: 'Review',
  },
  'sidecar.reviewWithModel': {
    title: 'Review with the Model',
    icon: 'comment-discussion',
    detail: 'Let the configured model read the uncommitted change, the riskiest parts first',
    group: 'Review',
  },
  'sidecar.nextRisk': { title: 'Next Risk', icon: 'arrow-down', detail: 'Go to the next open comment', group: 'Review' },
  'sidecar.previousRisk': {
    title: 'Previous Risk',
    icon: 'arrow-up',
    detail: 'Go to the open comment before',
    group: 'Review',
  },
  'sidecar.showReview': { title: 'Show Review', icon: 'list-tree', detail: 'The change by risk, file by file', group: 'Review' },
  'sidecar.dashboard': { title: 'Show Dashboard', icon: 'graph', detail: 'Usage, cost, tests, coverage and risk of this workspace', group: 'Review' },
  'sidecar.change.open': { title: 'Open File', icon: 'go-to-file' },
  'sidecar.change.diff': { title: 'Open Changes', icon: 'compare-changes' },
  'sidecar.newTerminal': {
    title: 'New Claude Terminal',
    icon: 'terminal',
    detail: 'Start Claude Code, answered by this server',
    group: 'Claude Code',
  },
  'sidecar.connectTools': {
    title: 'Connect Claude Code to the Tools',
    icon: 'plug',
    detail: 'Run `claude mcp add` for this project, after asking',
    group: 'Claude Code',
  },
  'sidecar.installHooks': {
    title: 'Install Claude Hooks…',
    icon: 'law',
    detail: "Guards on Claude's own commands and edits",
    group: 'Claude Code',
  },
  'sidecar.removeHooks': { title: 'Remove Claude Hooks…', icon: 'trash', group: 'Claude Code' },
  'sidecar.setApiKey': {
    title: 'Set API Key',
    icon: 'key',
    detail: 'Choose a provider and store its key in the secret storage',
    group: 'Claude Code',
  },
  'sidecar.mention': {
    title: 'Mention Selection to Claude',
    icon: 'mention',
    detail: 'Put the selected lines into the prompt of Claude Code in a terminal',
    group: 'Claude Code',
  },
  'sidecar.proposal.accept': { title: 'Accept Proposed Edit', icon: 'check' },
  'sidecar.proposal.reject': { title: 'Reject Proposed Edit', icon: 'close' },
  'sidecar.restart': { title: 'Restart Server', icon: 'debug-restart', group: 'Server' },
  'sidecar.showLog': { title: 'Show Log', icon: 'output', group: 'Server' },
  'sidecar.repair': {
    title: 'Repair Environment',
    icon: 'tools',
    detail: "Make the server's Python environment anew",
    group: 'Server',
  },
  'sidecar.openSettings': { title: 'Open Settings', icon: 'settings-gear', group: 'Server' },
  'sidecar.dismissals': {
    title: 'Dismissed Comments',
    icon: 'bell-slash',
    detail: 'What was dismissed in this repository, and why; take it back',
    group: 'Review',
  },
  'sidecar.thread.fix': { title: 'Fix with Claude', icon: 'sparkle' },
  'sidecar.thread.apply': { title: 'Apply Suggestion', icon: 'wand' },
  'sidecar.thread.stage': { title: 'Stage Hunk', icon: 'add' },
  'sidecar.thread.revert': { title: 'Revert Hunk', icon: 'discard' },
  'sidecar.thread.dismiss': { title: 'Dismiss…', icon: 'bell-slash' },
  'sidecar.thread.answer': { title: 'Reply to Comment…', icon: 'comment' },
  'sidecar.evidence': { title: 'Open Evidence', icon: 'link' },
  'sidecar.thread.reply': { title: 'Reply', icon: 'comment' },
  'sidecar.thread.goTo': { title: 'Go to Comment', icon: 'comment' },
  'sidecar.thread.resolve': { title: 'Resolve', icon: 'pass' },
  'sidecar.thread.unresolve': { title: 'Unresolve', icon: 'issue-reopened' },
} as const satisfies Record<string, CommandLook>;

/** Every command's id. */
export type CommandId = keyof typeof COMMANDS;

/** The commands of the menu, by group and in order. */
export function menuGroups(): readonly (readonly [group: string, ids: readonly CommandId[]])[] {
  const groups = new Map<string, CommandId[]>();
  for (const [id, look] of Object.entries<CommandLook>(COMMANDS)) {
    if (look.group) groups.set(look.group, [...(groups.get(look.group) ?? []), id as CommandId]);
  }
  return [...groups];
}
