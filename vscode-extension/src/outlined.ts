/** Which languages nobody else gives an outline and symbols for: those are asked of the server's own index. Pure. */

/** What an installed extension says of itself in its package.json. */
export interface Described {
  readonly main?: unknown;
  readonly browser?: unknown;
  readonly activationEvents?: unknown;
  readonly contributes?: unknown;
}

/** Ids of all languages that the editor knows and no extension with code of its own wakes up for. */
export function unserved(others: readonly Described[]): string[] {
  const known = new Set<string>();
  const served = new Set<string>();
  for (const other of others) {
    const own = contributed(other);
    for (const id of own) known.add(id);
    if (other.main === undefined && other.browser === undefined) continue; // colours and brackets only
    for (const id of [...own, ...wokenFor(other)]) served.add(id);
  }
  return [...known].filter((id) => !served.has(id)).sort();
}

function contributed(other: Described): string[] {
  const { languages } = record(other.contributes);
  return list(languages)
    .map((language) => record(language)['id'])
    .filter((id) => typeof id === 'string');
}

function wokenFor(other: Described): string[] {
  const events = list(other.activationEvents).filter((event) => typeof event === 'string');
  return events.filter((event) => event.startsWith('onLanguage:')).map((event) => event.slice('onLanguage:'.length));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
