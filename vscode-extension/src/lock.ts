/** A lock file that several windows share: held by one process, given up when that process is gone. */

import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 250;

/**
 * Waits until the lock is ours; the result gives it back. Rejects when the signal stops the waiting. `onWait` is
 * called once if somebody else holds it.
 */
export async function holdLock(path: string, signal: AbortSignal, onWait: () => void): Promise<() => Promise<void>> {
  for (let told = false; ; ) {
    if (await take(path)) return () => rm(path, { force: true });
    if (await isForsaken(path)) {
      await rm(path, { force: true });
      continue;
    }
    if (!told) onWait();
    told = true;
    await pause(EVERY_MS, undefined, { signal });
  }
}

/** Linking puts the file there with its content or not at all, so nobody ever reads a lock without an owner. */
async function take(path: string): Promise<boolean> {
  // Its own name for each try: of two in one process the other's would be gone before it is linked.
  const own = `${path}-${randomUUID()}`;
  await writeFile(own, String(process.pid));
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function isForsaken(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const owner = Number.parseInt(text, 10);
  if (!Number.isInteger(owner) || owner <= 0) return false;
  try {
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
