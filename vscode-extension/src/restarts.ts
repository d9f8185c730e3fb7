/** What the language client does when the server ends by itself: start it again with patience, then say so and stop. */

import { setTimeout as pause } from 'node:timers/promises';
import { window } from 'vscode';
import {
  CloseAction,
  type CloseHandlerResult,
  ErrorAction,
  type ErrorHandler,
  type ErrorHandlerResult,
} from 'vscode-languageclient/node';

import type { Log } from './log';
import { Patience } from './patience';

export class Restarts implements ErrorHandler {
  private readonly patience = new Patience();

  constructor(
    private readonly log: Log,
    private readonly onRestart: (note: string) => void,
  ) {}

  /** A few broken messages are got over; then the connection is closed, which ends in `closed`. */
  error(_error: Error, _message: unknown, count: number | undefined): ErrorHandlerResult {
    return { action: (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown, handled: true };
  }

  async closed(): Promise<CloseHandlerResult> {
    const wait = this.patience.pauseAfterEnd(Date.now());
    if (wait === undefined) {
      const message = 'The server ended six times in three minutes and is not started again.';
      void window.showErrorMessage(`Sidecar: ${message}`, 'Show Log').then((answer) => {
        if (answer) this.log.show();
      });
      return { action: CloseAction.DoNotRestart, message, handled: true };
    }
    const message = 'The server ended by itself and is started again.';
    this.onRestart(message);
    await pause(wait);
    return { action: CloseAction.Restart, message, handled: true };
  }
}
