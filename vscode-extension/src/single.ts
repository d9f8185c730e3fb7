/** Keeps a job from piling up: one runs, at most one waits, and everybody who asked meanwhile shares the waiting one. */

export class Single {
  private running: Promise<void> | undefined;
  private waiting: Promise<void> | undefined;

  constructor(private readonly job: () => Promise<void>) {}

  /** Resolves after a whole run of the job that began after this call; rejects when that run fails. */
  run(): Promise<void> {
    if (this.waiting) return this.waiting;
    if (!this.running) return this.begin();
    this.waiting = this.running
      .catch(() => undefined)
      .then(() => {
        this.waiting = undefined;
        return this.begin();
      });
    return this.waiting;
  }

  private begin(): Promise<void> {
    const run = this.job().finally(() => {
      if (this.running === run) this.running = undefined;
    });
    this.running = run;
    return run;
  }
}
