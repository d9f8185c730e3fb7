/** Above changed functions: their risk. Off by default; while it is off nothing is asked of anybody. */

import type {
  Disposable} from 'vscode';
import {
  CodeLens,
  type CodeLensProvider,
  type DocumentSymbol,
  EventEmitter,
  type Range,
  SymbolKind,
  type TextDocument,
  Uri,
  commands,
  languages,
  workspace,
} from 'vscode';

import type { Fleet } from './fleet';
import type { HunkItem } from './protocol';
import { REVISION } from './revision';
import { cases, riskWord } from './words';

const FUNCTIONS: ReadonlySet<SymbolKind> = new Set([SymbolKind.Function, SymbolKind.Method, SymbolKind.Constructor]);

export class RiskLenses implements CodeLensProvider, Disposable {
  private readonly changed = new EventEmitter<void>();
  private registration: Disposable | undefined;

  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(private readonly fleet: Fleet) {}

  /** Shows lenses or not, as the settings say; what is shown is made anew. */
  follow(): void {
    const wanted = this.fleet.all().some(({ settings }) => settings.codeLens);
    if (wanted && !this.registration) this.registration = languages.registerCodeLensProvider([{ scheme: 'file' }, { scheme: REVISION }], this);
    else if (!wanted) this.end();
    if (wanted) this.changed.fire();
  }

  async provideCodeLenses(document: TextDocument): Promise<CodeLens[]> {
    const hunks = this.hunksOf(document);
    if (hunks.length === 0) return [];
    const found = await commands.executeCommand('vscode.executeDocumentSymbolProvider', document.uri);
    return functionsOf(Array.isArray(found) ? found.filter(isTree) : []).flatMap(({ range, selectionRange }) => {
      const [worst] = hunks.filter((hunk) => hunk.startLine <= range.end.line && range.start.line <= hunk.endLine).sort((a, b) => b.score - a.score);
      return worst ? [lens(selectionRange, worst)] : [];
    });
  }

  dispose(): void {
    this.end();
    this.changed.dispose();
  }

  private hunksOf(document: TextDocument): readonly HunkItem[] {
    const uri = document.uri.toString();
    const folder = this.fleet.of(workspace.getWorkspaceFolder(document.uri) ? document.uri : Uri.file(document.uri.path));
    if (!folder?.settings.codeLens) return [];
    return folder.outline?.files.find(({ newUri }) => Uri.parse(newUri).toString() === uri)?.hunks ?? [];
  }

  private end(): void {
    this.registration?.dispose();
    this.registration = undefined;
  }
}

/** What the editor gives as an outline is both kinds of symbol at once: a tree is told by its children. */
function isTree(each: unknown): each is DocumentSymbol {
  return typeof each === 'object' && each !== null && 'children' in each;
}

/** The outermost functions, those of classes among them. */
function functionsOf(symbols: readonly DocumentSymbol[]): readonly DocumentSymbol[] {
  return symbols.flatMap((symbol) => (FUNCTIONS.has(symbol.kind) ? [symbol] : functionsOf(symbol.children)));
}

function lens(range: Range, { band, score, reason }: HunkItem): CodeLens {
  return new CodeLens(range, { title: `$(shield) ${riskWord(band)}: ${cases(score)}`, tooltip: reason, command: 'sidecar.showReview' });
}
