/** What the Claude Code CLI in a terminal hears of this window: the selection, and lines that are mentioned to it. */

import { Disposable, type TextEditor, Range, Uri, extensions, window, workspace } from 'vscode';

import type { Fleet } from './fleet';

const SETTLE_MS = 150;
const MOST_TEXT = 100_000;

/** Whether no other extension plays the IDE for the CLI; if one does, the CLI is left to it (`/ide` finds both). */
export function isAlone(): boolean {
  return extensions.getExtension('anthropic.claude-code') === undefined;
}

/** Tells the server of each selection that lasts, and shows the files that the CLI opens. */
export function follow(server: Fleet): Disposable {
  let timer: NodeJS.Timeout | undefined;
  let listening: number | undefined;
  const tell = (editor: TextEditor | undefined): void => {
    clearTimeout(timer);
    if (editor?.document.uri.scheme !== 'file' || !server.statusOf(editor.document.uri)?.companionPort) return;
    timer = setTimeout(() => { send(server, editor); }, SETTLE_MS);
  };
  // A server that has just started knows nothing of what was selected before.
  const begin = (): void => {
    const editor = window.activeTextEditor;
    const port = editor && server.statusOf(editor.document.uri)?.companionPort;
    if (port && port !== listening) tell(editor);
    listening = port;
  };
  const parts = [
    server.onChange(begin),
    window.onDidChangeTextEditorSelection(({ textEditor }) => { tell(textEditor); }),
    window.onDidChangeActiveTextEditor(tell),
    server.onShow(({ uri, startLine, endLine }) => {
      const selection = startLine || endLine ? new Range(startLine, 0, endLine, 0) : undefined;
      void window.showTextDocument(Uri.parse(uri), selection ? { selection } : {});
    }),
  ];
  return Disposable.from(...parts, new Disposable(() => { clearTimeout(timer); }));
}

/** Puts the selected lines into the CLI's prompt. Rejects with a sentence when there is nothing or nobody. */
export async function mentionSelection(server: Fleet): Promise<void> {
  const editor = window.activeTextEditor;
  if (editor?.document.uri.scheme !== 'file') throw new Error('Open a file of this folder and select what you mean.');
  const { start, end } = editor.selection;
  const { heard } = await server.ask('sidecar/mention', { uri: editor.document.uri.toString(), startLine: start.line, endLine: end.line });
  if (!heard) throw new Error('No Claude Code is connected: start `claude` in a terminal of this window.');
}

function send(server: Fleet, editor: TextEditor): void {
  const { document, selection } = editor;
  if (document.isClosed || !workspace.isTrusted) return;
  const { start, end } = selection;
  server
    .ask('sidecar/selection', {
      uri: document.uri.toString(),
      text: document.getText(selection).slice(0, MOST_TEXT),
      startLine: start.line,
      startCharacter: start.character,
      endLine: end.line,
      endCharacter: end.character,
    })
    .catch(() => undefined);
}
