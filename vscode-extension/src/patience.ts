/** How often, and after what pause, a server that ended by itself is started again. Pure. */

const TRIES = 5;
const WITHIN_MS = 3 * 60 * 1000;
const FIRST_PAUSE_MS = 250;

/** Remembers when the server ended. */
export class Patience {
  private readonly ends: number[] = [];

  /**
   * The pause in milliseconds before the next start, or undefined when it ended too often to be started again:
   * the sixth time in three minutes. The first start follows at once, each further pause is twice as long.
   */
  pauseAfterEnd(now: number): number | undefined {
    while (this.ends[0] !== undefined && now - this.ends[0] > WITHIN_MS) this.ends.shift();
    this.ends.push(now);
    if (this.ends.length > TRIES) return undefined;
    return this.ends.length === 1 ? 0 : FIRST_PAUSE_MS * 2 ** (this.ends.length - 1);
  }
}
