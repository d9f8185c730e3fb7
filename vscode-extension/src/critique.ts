/** "Review with the Model": asks for it with progress and a way to cancel, and shows what comes as a read-only document. */

import { type CancellationToken, type Disposable, EventEmitter, ProgressLocation, type TextDocumentContentProvider, Uri, commands, window, workspace } from 'vscode';

import { reason } from './log';
import type { ModelReviewParams, ModelReviewResult } from './protocol';
import type { Server } from './server';
import { reviewOutcome, withBoxes } from './words';

const SCHEME = 'sidecar-review';
const TITLE = 'Sidecar: reviewing the change';

export class Critiques implements TextDocumentContentProvider, Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new EventEmitter<Uri>();
  private readonly registered = workspace.registerTextDocumentContentProvider(SCHEME, this);
  private count = 0;
  private running = false;

  readonly onDidChange = this.changes.event;

  constructor(private readonly server: () => Pick<Server, 'ask' | 'progress'> | undefined) {}

  /** Reviews a change (the uncommitted one, if nothing else is named) and shows the result; its comments come as threads. */
  async review(params: Omit<ModelReviewParams, 'workDoneToken'> = {}): Promise<void> {
    if (this.running) {
      void window.showInformationMessage('Sidecar is reviewing already; its notification shows how far it is.');
      return;
    }
    this.running = true;
    try {
      const result = await window.withProgress({ location: ProgressLocation.Notification, title: TITLE, cancellable: true }, async (progress, cancel) => {
        let told = 0;
        return this.asked(params, cancel, ({ message, percentage }) => {
          progress.report({ message: message ?? '', increment: Math.max(0, (percentage ?? told) - told) });
          told = percentage ?? told;
        });
      });
      if (result) await this.show(result);
    } finally {
      this.running = false;
    }
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.path) ?? 'This review is not kept any more. Use "Sidecar: Review with the Model" again.';
  }

  dispose(): void {
    this.registered.dispose();
    this.changes.dispose();
  }

  /** What the server answers; undefined when the person left off. */
  private async asked(params: ModelReviewParams, cancel: CancellationToken, hear: (step: { message?: string; percentage?: number }) => void): Promise<ModelReviewResult | undefined> {
    const server = this.server();
    if (!server) throw new Error('Open a folder first.');
    this.count += 1;
    const token = `sidecar-review-${this.count}`;
    const hearing = await server.progress(token, hear);
    try {
      return await server.ask('sidecar/review/model', { ...params, workDoneToken: token }, cancel);
    } catch (error) {
      if (cancel.isCancellationRequested) return undefined;
      throw new Error(reason(error), { cause: error });
    } finally {
      hearing.dispose();
    }
  }

  private async show(result: ModelReviewResult): Promise<void> {
    const uri = Uri.from({ scheme: SCHEME, path: `/${result.title}.md` });
    this.texts.set(uri.path, withBoxes(result.markdown));
    this.changes.fire(uri);
    await commands.executeCommand('markdown.showPreview', uri);
    window.setStatusBarMessage(`$(shield) Sidecar: ${reviewOutcome(result)}`, 8_000);
  }
}
