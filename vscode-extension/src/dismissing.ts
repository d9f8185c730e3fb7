/** The words of dismissing a comment: reasons to choose from, and how far it reaches. Pure, does not know `vscode`. */

import type { DismissalItem, DismissalScope } from './protocol';

/** Reasons that come up again and again. */
export const REASONS = ['It is meant to be like this', 'It is tested well enough', 'The risk is known and accepted', 'The comment is wrong here'] as const;

/** A place where comments of this kind may stay silent. */
export interface Reach {
  readonly scope: DismissalScope;
  readonly label: string;
  readonly detail: string;
}

/** The choices for a file, the narrowest first; `path` is relative, with `/`. */
export function reaching(path: string): readonly Reach[] {
  const cut = path.lastIndexOf('/');
  const name = path.slice(cut + 1);
  const dot = name.lastIndexOf('.');
  const suffix = dot > 0 ? name.slice(dot) : '';
  const folder = cut < 0 ? 'the whole repository' : path.slice(0, cut);
  return [
    { scope: 'lines', label: 'These lines', detail: 'Wherever they move to, until they are changed' },
    { scope: 'file', label: name, detail: `All of ${path}` },
    { scope: 'folder', label: suffix ? `*${suffix} in ${folder}` : cut < 0 ? 'The whole repository' : `All of ${folder}`, detail: 'With all folders below' },
  ];
}

/** Where a dismissal reaches, in words that follow "here": "on these lines of a.py". */
export function reachOf({ scope, pattern }: Pick<DismissalItem, 'scope' | 'pattern'>): string {
  if (scope === 'lines') return `on these lines of ${pattern}`;
  return scope === 'file' ? `in ${pattern}` : `in ${pattern.replace(/\[([*?[])\]/g, '$1')}`;
}
