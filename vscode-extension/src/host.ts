/** The reverse bridge: answers the server's questions by whatever language extensions the user has installed. Applies nothing. */

import {
  type CallHierarchyItem, type CancellationToken, type Disposable, type Extension, Position, Range, type TextDocument, Uri,
  type WorkspaceEdit, commands, extensions, languages, window, workspace,
} from 'vscode';

import type { HostAnswer, HostQuery } from './hostprotocol';
import * as shapes from './shapes';

const IN_FLIGHT = 4;
const KEPT = 200;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 400;
const NAMES_MS = 1_000;
/** An outline comes before a project is loaded: an empty list beside an empty hover is believed only after so long. */
const SILENT_MS = 2_000;
/** After a change an extension may still answer as before for so long: such an answer is given, but not kept. */
const SETTLE_MS = 2_000;

/** Documents whose language support was seen to know its project. */
const AWAKE = new Set<string>();

type Status = HostAnswer['status'];
type Witness = 'yes' | 'no' | 'silent';
type Found = Pick<HostAnswer, 'status'> & { readonly result: readonly unknown[] };
type Where = Readonly<{ uri: Uri; at: Position; text: string }>;
interface Handler {
  readonly activationEvents?: readonly string[];
  readonly main?: string;
  readonly contributes?: { readonly languages?: readonly { readonly id: string }[] };
}

/** What to run for each question that one call answers. */
const ASK: Readonly<Partial<Record<HostQuery['what'], (where: Where) => Promise<unknown[]>>>> = {
  definition: ({ uri, at }) => all(shapes.location, 'vscode.executeDefinitionProvider', uri, at),
  typeDefinition: ({ uri, at }) => all(shapes.location, 'vscode.executeTypeDefinitionProvider', uri, at),
  implementation: ({ uri, at }) => all(shapes.location, 'vscode.executeImplementationProvider', uri, at),
  references: ({ uri, at }) => all(shapes.location, 'vscode.executeReferenceProvider', uri, at),
  hover: ({ uri, at }) => all(shapes.hover, 'vscode.executeHoverProvider', uri, at),
  documentSymbols: ({ uri }) => all(shapes.symbol, 'vscode.executeDocumentSymbolProvider', uri),
  workspaceSymbols: ({ text }) => all(shapes.symbol, 'vscode.executeWorkspaceSymbolProvider', text),
  codeActions: ({ uri, at }) => all(shapes.action, 'vscode.executeCodeActionProvider', uri, new Range(at, at)),
  callers: (where) => calls(where, 'vscode.provideIncomingCalls', shapes.incoming),
  callees: (where) => calls(where, 'vscode.provideOutgoingCalls', shapes.outgoing),
  rename: async ({ uri, at, text }) => {
    const edit = await commands.executeCommand<WorkspaceEdit | undefined>('vscode.executeDocumentRenameProvider', uri, at, text);
    return edit && edit.size > 0 ? [shapes.edits(edit)] : [];
  },
};

export class Host implements Disposable {
  private running = 0;
  private changed = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly kept = new Map<string, HostAnswer>();
  private readonly watcher = workspace.createFileSystemWatcher('**/*');
  private readonly subscriptions: readonly Disposable[];

  constructor() {
    const forget = (): void => {
      this.kept.clear();
      this.changed = Date.now();
    };
    this.subscriptions = [
      this.watcher,
      this.watcher.onDidChange(forget),
      this.watcher.onDidCreate(forget),
      this.watcher.onDidDelete(forget),
      workspace.onDidChangeTextDocument(({ document }) => { if (document.uri.scheme !== 'output') forget(); }),
      extensions.onDidChange(forget),
    ];
  }

  /** Answers one question within its deadline. Rejects where a provider refuses, with its sentence. */
  async answer(query: HostQuery, token: CancellationToken): Promise<HostAnswer> {
    const began = Date.now();
    const key = JSON.stringify({ ...query, deadlineMs: 0 });
    const known = this.kept.get(key);
    if (known) return { ...known, ms: 0 };
    await this.turn();
    try {
      const answer = await respond(query, token, began);
      const settled = began - this.changed > SETTLE_MS;
      if (settled && answer.status === 'ready' && query.what !== 'diagnostics') this.keep(key, answer);
      return answer;
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }

  dispose(): void {
    for (const each of this.subscriptions) each.dispose();
  }

  private async turn(): Promise<void> {
    while (this.running >= IN_FLIGHT) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running += 1;
  }

  private keep(key: string, answer: HostAnswer): void {
    const [oldest] = this.kept.keys();
    if (this.kept.size >= KEPT && oldest !== undefined) this.kept.delete(oldest);
    this.kept.set(key, answer);
  }
}

async function respond(query: HostQuery, token: CancellationToken, began: number): Promise<HostAnswer> {
  const until = began + query.deadlineMs;
  const document = query.uri === null ? undefined : await opened(Uri.parse(query.uri));
  const handlers = document ? handling(document.languageId) : [];
  const { status, result } = await found(query, document, handlers, until, token);
  const shown = document === undefined || window.tabGroups.all.some((group) => group.tabs.some(({ input }) => isOf(input, document)));
  return {
    status,
    result: result.slice(0, query.limit),
    truncated: result.length > query.limit,
    provider: handlers.filter((each) => each.isActive).map((each) => each.id).join(', '),
    version: document?.version ?? null,
    ms: Date.now() - began,
    diagnosticsScope: query.what === 'diagnostics' && !shown ? 'open' : null,
  };
}

async function found(
  query: HostQuery,
  document: TextDocument | undefined,
  handlers: readonly Extension<unknown>[],
  until: number,
  token: CancellationToken,
): Promise<Found> {
  if (query.what === 'languages') return { status: 'ready', result: await known() };
  await within(Promise.all(handlers.map((each) => each.activate())), until);
  if (query.what === 'diagnostics') return checked(document, handlers);
  // What a project's own configuration leaves out is looked at while it is open.
  await within(Promise.all(query.also.map((each) => opened(Uri.parse(each)).catch(() => undefined))), until);
  const ask = ASK[query.what];
  if (!ask || (!document && query.what !== 'workspaceSymbols')) return { status: 'unsupported', result: [] };
  // An outline where no extension handles the language is our own, from the index.
  if (query.what === 'documentSymbols' && handlers.length === 0) return { status: 'unsupported', result: [] };
  const at = new Position(query.position?.line ?? 0, query.position?.character ?? 0);
  const where: Where = { uri: document?.uri ?? Uri.file('/'), at, text: query.query };
  const end = document ? until : Math.min(until, Date.now() + NAMES_MS);
  return patiently(() => ask(where), where, document, handlers.length > 0, end, token);
}

/** Asks again while nothing comes: an editor that has just begun gives empty lists and no sign that they are wrong. */
async function patiently(
  ask: () => Promise<unknown[]>,
  where: Where,
  document: TextDocument | undefined,
  handled: boolean,
  until: number,
  token: CancellationToken,
): Promise<Found> {
  let pause = FIRST_PAUSE_MS;
  let awake = false;
  let woke = 0;
  let result: unknown[] = [];
  while (!token.isCancellationRequested && Date.now() < until) {
    const knew = !document || AWAKE.has(where.uri.toString());
    const said = await within(ask(), until);
    if (said === undefined) return { status: 'warming', result: [] };
    result = said;
    const enough: boolean = result.length > 0 || awake;
    const silence = Date.now() - woke;
    if (enough && believes(result, await witnessed(where, document, until), knew, silence)) return { status: 'ready', result };
    if (document && !enough && !handled) return { status: 'unsupported', result: [] };
    if (document && !enough) {
      awake = await wakes(document, until);
      woke = Date.now();
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, until - Date.now())));
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
  return { status: document && result.length === 0 ? 'warming' : 'partial', result };
}

/** An empty list is believed of an extension that knew its project before it was asked, or that stays silent for long. */
function believes(result: readonly unknown[], witness: Witness, knew: boolean, silence: number): boolean {
  if (result.length > 0) return witness !== 'no';
  return (witness === 'yes' && knew) || (witness === 'silent' && silence > SILENT_MS);
}

/** Outlines come from the same extension: once it gives one it is awake, and then an empty list is an answer. */
async function wakes(document: TextDocument, until: number): Promise<boolean> {
  const outline = await within(commands.executeCommand<unknown[] | undefined>('vscode.executeDocumentSymbolProvider', document.uri), until);
  return outline !== undefined && outline.length > 0;
}

/**
 * Whether the document's extension knows its project. While TypeScript loads one it answers from single files; nothing but
 * the text of its hovers says so, and where there is no hover it is silent.
 */
async function witnessed({ uri, at }: Where, document: TextDocument | undefined, until: number): Promise<Witness> {
  if (!document || AWAKE.has(uri.toString())) return 'yes';
  const said = JSON.stringify((await within(all(shapes.hover, 'vscode.executeHoverProvider', uri, at), until)) ?? '(loading');
  if (said.includes('(loading')) return 'no';
  if (said.length <= 2) return 'silent';
  AWAKE.add(uri.toString());
  return 'yes';
}

function checked(document: TextDocument | undefined, handlers: readonly Extension<unknown>[]): Found {
  const status: Status = handlers.length > 0 ? 'ready' : 'unsupported';
  if (document) {
    const said = languages.getDiagnostics(document.uri).map(shapes.diagnostic);
    return { status: said.length > 0 ? 'ready' : status, result: said };
  }
  const everywhere = languages.getDiagnostics().flatMap(([uri, said]) => said.map((each) => ({ ...shapes.diagnostic(each), uri: uri.toString() })));
  return { status: 'partial', result: everywhere };
}

async function known(): Promise<unknown[]> {
  const ids = await languages.getLanguages();
  return ids.map((id) => ({ id, extensions: handling(id).map((each) => each.id) })).filter((each) => each.extensions.length > 0);
}

/** The extensions with a program that name a language in what they contribute, or begin with it. */
function handling(language: string): readonly Extension<unknown>[] {
  return extensions.all.filter((each) => {
    const { activationEvents, main, contributes } = each.packageJSON as Handler;
    const named = activationEvents?.includes(`onLanguage:${language}`) ?? false;
    return main !== undefined && (named || (contributes?.languages?.some(({ id }) => id === language) ?? false));
  });
}

async function opened(uri: Uri): Promise<TextDocument> {
  if (uri.scheme !== 'file' || !workspace.getWorkspaceFolder(uri)) throw new Error('The file lies outside the opened folders.');
  return workspace.openTextDocument(uri);
}

const isOf = (input: unknown, document: TextDocument): boolean =>
  typeof input === 'object' && input !== null && 'uri' in input && String(input.uri) === document.uri.toString();

/** The value, or undefined when it does not come in time. */
async function within<T>(value: PromiseLike<T>, until: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, Math.max(until - Date.now(), 0), undefined); });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function all(shape: (each: never) => unknown, command: string, ...args: unknown[]): Promise<unknown[]> {
  return ((await commands.executeCommand<never[] | undefined>(command, ...args)) ?? []).map((each) => shape(each));
}

async function calls({ uri, at }: Where, command: string, shape: (call: never, asked: Uri) => unknown): Promise<unknown[]> {
  const items = (await commands.executeCommand<CallHierarchyItem[] | undefined>('vscode.prepareCallHierarchy', uri, at)) ?? [];
  const each = await Promise.all(items.map((item) => all((call) => shape(call, item.uri), command, item)));
  return each.flat();
}
