/** Tells when undoing brought a document back to what is on the disk. */

import { Disposable, TextDocumentChangeReason, workspace } from 'vscode';

/** Calls with the document's URI each time that undoing (or doing again) made a document clean; not when it was saved. */
export function onReturn(then: (uri: string) => void): Disposable {
  const undone = new Set<string>();
  return Disposable.from(
    workspace.onDidChangeTextDocument(({ document, contentChanges, reason }) => {
      const uri = document.uri.toString();
      if (contentChanges.length > 0) {
        if (reason === TextDocumentChangeReason.Undo || reason === TextDocumentChangeReason.Redo) undone.add(uri);
        else undone.delete(uri);
      }
      if (!document.isDirty && undone.delete(uri)) then(uri);
    }),
    workspace.onWillSaveTextDocument(({ document }) => { undone.delete(document.uri.toString()); }),
    workspace.onDidCloseTextDocument((document) => { undone.delete(document.uri.toString()); }),
  );
}
