/** How a task reaches Claude Code past a shell, which must never read it. Pure, does not know `vscode`. */

/** The variable that carries a task into a new terminal. */
export const VARIABLE = 'SIDECAR_TASK';

/** What a task begins with where it is typed, in words that mean nothing to a shell. */
const HEAD = 'Please fix this review comment, told as a JSON string:';

const POSIX: ReadonlySet<string> = new Set(['bash', 'zsh', 'sh', 'dash', 'ksh', 'fish', 'gitbash', 'ash']);
const PWSH: ReadonlySet<string> = new Set(['pwsh', 'powershell']);

/** Whether a command line starts Claude Code to talk with, not to print an answer or to be set up. */
export function isClaude(line: string): boolean {
  const words = line.trim().split(/\s+/);
  while (/^\w+=\S*$/.test(words[0] ?? '')) words.shift();
  const [program, ...rest] = words;
  if (!/^(?:\S*[\\/])?claude(?:\.exe|\.cmd)?$/.test(program ?? '')) return false;
  if (rest.some((word) => ['-p', '--print', '-h', '--help', '-v', '--version'].includes(word))) return false;
  return !['mcp', 'config', 'doctor', 'update', 'install', 'plugin', 'setup-token', 'migrate-installer'].includes(rest[0] ?? '');
}

/**
 * The line that starts Claude Code with the task of `VARIABLE` in a shell, by the shell's path; undefined where no line
 * is known to keep the shell from reading the variable's text (`cmd`, anything that runs a `.cmd`).
 */
export function launchLine(shell: string): string | undefined {
  const name = shellName(shell);
  if (POSIX.has(name)) return `claude "$${VARIABLE}"`;
  return PWSH.has(name) && shell.startsWith('/') ? `claude "$env:${VARIABLE}"` : undefined;
}

/** Whether a paste is one quoted word in this shell (as the editor names it, or by the path of the user's own). */
export function quotes(shell: string | undefined, path: string): boolean {
  const name = shell === undefined || shell === 'node' ? shellName(path) : shell;
  return POSIX.has(name) || PWSH.has(name);
}

/**
 * The keys that put a task into a running prompt, without Enter: a bracketed paste, on one line, all of it ASCII. Should
 * a shell be there in its place, it sees some plain words and one in single quotes, which no shell looks into: there is
 * no quote, no sign of a shell's history and no key in it (a byte over 127 is one to some line editors).
 */
export function pasted(task: string): string {
  const text = JSON.stringify(task).replace(/['!\u007f-\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `\u001b[200~${HEAD} '${text}'\u001b[201~`;
}

function shellName(path: string): string {
  const name = path.split(/[\\/]/).at(-1) ?? '';
  return name.toLowerCase().replace(/\.exe$/, '');
}
