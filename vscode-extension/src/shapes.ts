/** What VS Code's providers give, as plain JSON in LSP's form: numbers of kinds from 1, URIs as strings, nothing of a client's own. */

import {
  type CallHierarchyIncomingCall, type CallHierarchyItem, type CallHierarchyOutgoingCall, type CodeAction, type Diagnostic,
  type DocumentSymbol, type Hover, type Location, type LocationLink, MarkdownString, type Range, type SymbolInformation,
  type Uri, type WorkspaceEdit,
} from 'vscode';

type Json = Readonly<Record<string, unknown>>;

const place = ({ start, end }: Range): Json => ({
  start: { line: start.line, character: start.character },
  end: { line: end.line, character: end.character },
});

export function location(each: Location | LocationLink): Json {
  return 'targetUri' in each
    ? { uri: each.targetUri.toString(), range: place(each.targetSelectionRange ?? each.targetRange) }
    : { uri: each.uri.toString(), range: place(each.range) };
}

export function hover({ contents }: Hover): Json {
  return { contents: contents.map((part) => (part instanceof MarkdownString || typeof part === 'string' ? marked(part) : part)) };
}

const marked = (part: MarkdownString | string): string => (typeof part === 'string' ? part : part.value);

/** What the editor gives as an outline is both at once: a tree is told by its children. */
export function symbol(each: DocumentSymbol | SymbolInformation): Json {
  const { name } = each;
  const kind = each.kind + 1;
  if (!('children' in each)) return { name, kind, containerName: each.containerName, location: location(each.location) };
  const { detail, range, selectionRange, children } = each;
  return { name, kind, detail, range: place(range), selectionRange: place(selectionRange), children: children.map(symbol) };
}

const callee = ({ name, kind, detail, uri, range, selectionRange }: CallHierarchyItem): Json => ({
  name,
  kind: kind + 1,
  detail,
  uri: uri.toString(),
  range: place(range),
  selectionRange: place(selectionRange),
});

export function incoming({ from, fromRanges }: CallHierarchyIncomingCall): Json {
  return { from: callee(from), fromRanges: fromRanges.map(place) };
}

export function outgoing({ to, fromRanges }: CallHierarchyOutgoingCall, asked: Uri): Json {
  return { to: callee(to), fromRanges: fromRanges.map(place), askedUri: asked.toString() };
}

export function edits(edit: WorkspaceEdit): Json {
  const all = edit.entries().map(([uri, each]) => [uri.toString(), each.map(({ range, newText }) => ({ range: place(range), newText }))] as const);
  return { changes: Object.fromEntries(all) };
}

export function diagnostic({ range, severity, message, source, code }: Diagnostic): Json {
  return { range: place(range), severity: severity + 1, message, source, code: typeof code === 'object' ? String(code.value) : code };
}

export function action({ title, kind, edit }: CodeAction): Json {
  return { title, kind: kind?.value, edit: edit && edits(edit) };
}
