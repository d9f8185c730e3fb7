/** Reads how grave a line of the server's log is, and leaves out what the output channel writes itself. Pure. */

const HEAD = /^(?:\d{4}-\d\d-\d\dT[\d:.]+Z?\s+)?\[(debug|info|warning|error|critical)\s*\]\s*/;
const LEVELS = { debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'error' } as const;

/** A line as an output channel wants it. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}

/** Takes time and level off a line; one that names no level is information. */
export function parseLogLine(line: string): LogLine {
  const match = HEAD.exec(line);
  if (!match) return { level: 'info', text: line };
  return { level: LEVELS[match[1] as keyof typeof LEVELS], text: line.slice(match[0].length) };
}
