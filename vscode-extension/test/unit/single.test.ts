import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Single } from '../../src/single';

/** A job whose runs end when the test says so. */
class Work {
  readonly ends: { resolve: () => void; reject: (why: Error) => void }[] = [];
  readonly job = (): Promise<void> =>
    new Promise((resolve, reject) => {
      this.ends.push({ resolve, reject });
    });
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one runs, one waits, and the rest share the waiting one', async () => {
  const work = new Work();
  const single = new Single(work.job);
  const first = single.run();
  const others = [single.run(), single.run(), single.run()];
  assert.equal(work.ends.length, 1);
  work.ends[0]?.resolve();
  await first;
  await settle();
  assert.equal(work.ends.length, 2);
  work.ends[1]?.resolve();
  await Promise.all(others);
  assert.equal(work.ends.length, 2);
});

test('a failed run is told to those who asked for it, and the next one starts', async () => {
  const work = new Work();
  const single = new Single(work.job);
  const first = single.run();
  const second = single.run();
  work.ends[0]?.reject(new Error('no'));
  await assert.rejects(first, /no/);
  await settle();
  work.ends[1]?.resolve();
  await second;
});

test('after everything is done a call runs again at once', async () => {
  const work = new Work();
  const single = new Single(work.job);
  for (let i = 0; i < 3; i++) {
    const run = single.run();
    work.ends[i]?.resolve();
    await run;
  }
  assert.equal(work.ends.length, 3);
});
