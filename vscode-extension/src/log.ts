/** The output channel, made when the first line is written. What the server writes to standard error lands here, too. */

import { createInterface } from 'node:readline';
import { type Disposable, type LogOutputChannel, window } from 'vscode';

import { parseLogLine } from './loglines';

export class Log implements Disposable {
  private made: LogOutputChannel | undefined;

  /** The channel itself. */
  get channel(): LogOutputChannel {
    this.made ??= window.createOutputChannel('Sidecar', { log: true });
    return this.made;
  }

  info(line: string): void {
    this.channel.info(line);
  }

  warn(line: string): void {
    this.channel.warn(line);
  }

  /** What could not be done, with the reason. */
  failure(what: string, why: unknown): void {
    this.channel.error(`${what}: ${reason(why)}`);
  }

  /** Copy a stream of lines, each at the level that it names. */
  readonly copy = (lines: NodeJS.ReadableStream): void => {
    createInterface({ input: lines, crlfDelay: Infinity, terminal: false }).on('line', (line) => {
      const { level, text } = parseLogLine(line);
      this.channel[level](text);
    });
  };

  show(): void {
    this.channel.show(true);
  }

  dispose(): void {
    this.made?.dispose();
  }
}

/** An error's own sentence. */
export function reason(why: unknown): string {
  return why instanceof Error ? why.message : String(why);
}
