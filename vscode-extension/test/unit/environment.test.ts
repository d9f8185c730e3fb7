/** The server's environment, made for real: a Python of this machine, and a small wheel in the server's place. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { type EnvironmentPlan, SetupProblem, findEnvironment, makeEnvironment, readBundle } from '../../src/environment';
import { holdLock } from '../../src/lock';
import { findPython, isNewEnough, parseProbe, pythonNames, run } from '../../src/python';

const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.writestr("sidecar/__init__.py", "")
    z.writestr("sidecar/__main__.py", "import sys\\nprint('sidecar 0.1.0')\\nsys.exit(int(sys.argv[1] != '--version'))\\n")
    info = "claude_sidecar-0.1.0.dist-info/"
    z.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: claude-sidecar\\nVersion: 0.1.0\\n")
    z.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    z.writestr(info + "RECORD", "")
`;
const WHEEL = 'claude_sidecar-0.1.0-py3-none-any.whl';
const never = new AbortController().signal;
const posix = process.platform !== 'win32';
let scratch = '';

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sidecar env '));
  const { found } = await findPython('', scratch, process.platform);
  assert.ok(found, 'these tests need a Python 3.11 or newer');
  await mkdir(join(scratch, 'bundled'));
  const made = await run(found.path, ['-I', '-c', MAKE_WHEEL, join(scratch, 'bundled', WHEEL)]);
  assert.equal(made.code, 0, made.output);
  await writeFile(join(scratch, 'bundled', 'run.lock'), '');
  await writeFile(join(scratch, 'bundled', 'manifest.json'), JSON.stringify({ wheel: WHEEL, lock: 'run.lock', digest: 'd'.repeat(64) }));
});
after(() => rm(scratch, { recursive: true, force: true }));

async function planFor(name: string, changes: Partial<EnvironmentPlan> = {}): Promise<EnvironmentPlan> {
  return {
    root: join(scratch, name),
    version: '0.1.0',
    bundle: await readBundle(join(scratch, 'bundled')),
    python: '',
    wheelhouse: '',
    say: () => undefined,
    signal: never,
    platform: process.platform,
    ...changes,
  };
}

async function problem(promise: Promise<unknown>): Promise<SetupProblem> {
  const error: unknown = await promise.then(() => undefined, (why: unknown) => why);
  assert.ok(error instanceof SetupProblem, String(error));
  return error;
}

/** A program that answers a probe as a Python of some version would. */
async function impostor(name: string, script: string): Promise<string> {
  const path = join(scratch, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

test('the environment is made once, found again, and made anew when asked', { timeout: 180_000 }, async () => {
  const plan = await planFor('env');
  assert.equal(await findEnvironment(plan), undefined);
  const [python, same] = await Promise.all([makeEnvironment(plan), makeEnvironment(plan)]);
  assert.equal(same, python, 'two windows get one environment');
  assert.equal((await run(python, ['-I', '-m', 'sidecar', '--version'])).output, 'sidecar 0.1.0');
  assert.equal(await findEnvironment(plan), python);
  assert.equal(await findEnvironment({ ...plan, version: '0.2.0' }), undefined, 'another version has its own');
  assert.equal(await findEnvironment({ ...plan, bundle: { ...plan.bundle, digest: 'e'.repeat(64) } }), undefined, 'another wheel, too');

  const [fresh = '', stale = ''] = ['0.0.1-fresh', '0.0.1-stale'].map((each) => join(plan.root, each));
  for (const folder of [fresh, stale]) {
    await mkdir(folder);
    await writeFile(join(folder, 'ready.json'), '{}');
  }
  const long = new Date(Date.now() - 40 * 24 * 60 * 60 * 1000);
  await utimes(join(stale, 'ready.json'), long, long);

  const stray = join(python, '..', '..', 'stray');
  await writeFile(stray, '');
  assert.equal(await makeEnvironment(plan, true), python);
  assert.equal(existsSync(stray), false, 'what stood was made again');
  while (existsSync(stale)) await new Promise((resolve) => setImmediate(resolve));
  const left = await readdir(plan.root);
  assert.equal(left.length, 2, `a version that was used lately stays, one unused for a month goes: ${left.join(', ')}`);
  assert.ok(left.includes('0.0.1-fresh'));
});

describe('what is missing is said with the mend', () => {
  test('no server in the build', async () => {
    assert.match((await problem(readBundle(join(scratch, 'nothing')))).message, /sidecar\.command/);
  });

  test('the chosen Python does not run', async () => {
    const failed = await problem(makeEnvironment(await planFor('p1', { python: join(scratch, 'no-python') })));
    assert.equal(failed.kind, 'no-python');
    assert.match(failed.message, /sidecar\.python.*does not run.*3\.11 or newer/);
  });

  test('the chosen Python is too old', { skip: !posix }, async () => {
    const old = await impostor('old-python', `echo '[3, 9, "cpython-39", "/usr/bin/python3.9"]'`);
    assert.match((await problem(makeEnvironment(await planFor('p2', { python: old })))).message, /too old \(\/usr\/bin\/python3\.9 is 3\.9\)/);
  });

  test('no Python at all, or only old ones', { skip: !posix }, async () => {
    await mkdir(join(scratch, 'path'), { recursive: true });
    await impostor(join('path', 'python3'), `echo '[3, 8, "cpython-38", "/usr/bin/python3.8"]'`);
    await onPath(join(scratch, 'path'), async () => {
      assert.match((await problem(makeEnvironment(await planFor('p3')))).message, /3\.11 or newer and found only older ones: \/usr\/bin\/python3\.8 is 3\.8/);
    });
    await onPath(join(scratch, 'empty'), async () => {
      assert.match((await problem(makeEnvironment(await planFor('p4')))).message, /3\.11 or newer and found none/);
    });
  });

  test('a Python without venv', { skip: !posix }, async () => {
    const python = join(scratch, 'half-python');
    await impostor('half-python', `case "$3" in *json*) echo '[3, 12, "cpython-312", "${python}"]';; *) echo 'ensurepip is not available'; exit 1;; esac`);
    await onPath(scratch, async () => {
      const failed = await problem(makeEnvironment(await planFor('p5', { python })));
      assert.equal(failed.kind, 'no-venv');
      assert.match(failed.message, /python3-venv/);
    });
  });

  test('a wheelhouse that does not suffice', { timeout: 120_000 }, async () => {
    const plan = await planFor('p6', { wheelhouse: join(scratch, 'bundled') });
    const lock = join(scratch, 'needs.lock');
    await writeFile(lock, `not-there==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
    const failed = await problem(makeEnvironment({ ...plan, bundle: { ...plan.bundle, lock } }));
    assert.equal(failed.kind, 'install');
    assert.match(failed.message, /wheels in .*bundled do not suffice: .*not-there/s);
    assert.deepEqual(await readdir(plan.root), [], 'nothing half-made stays');
  });

  test('cancelled', async () => {
    const stop = new AbortController();
    const plan = await planFor('p7', { signal: stop.signal, say: () => { stop.abort(); } });
    assert.equal((await problem(makeEnvironment(plan))).kind, 'cancelled');
    assert.deepEqual(await readdir(plan.root), []);
  });
});

/** Runs something with a PATH of one folder. */
async function onPath(folder: string, act: () => Promise<void>): Promise<void> {
  // eslint-disable-next-line no-restricted-properties -- the programs that are found depend on it
  const { env } = process;
  const kept = env['PATH'] ?? '';
  env['PATH'] = [folder].join(delimiter);
  try {
    await act();
  } finally {
    env['PATH'] = kept;
  }
}

describe('the lock', () => {
  test('is taken by one after the other', async () => {
    const path = join(scratch, 'lock-a');
    const order: string[] = [];
    const release = await holdLock(path, never, () => order.push('not reached'));
    const second = holdLock(path, never, () => order.push('second waits'));
    while (order.length === 0) await new Promise((resolve) => setImmediate(resolve));
    order.push('first gives it back');
    await release();
    await (await second)();
    assert.deepEqual(order, ['second waits', 'first gives it back']);
  });

  test('of a process that is gone is taken over', async () => {
    const path = join(scratch, 'lock-b');
    const gone = await run(process.execPath, ['-p', 'process.pid']);
    await writeFile(path, gone.output.trim());
    await (await holdLock(path, never, () => assert.fail('nobody holds it')))();
  });

  test('goes to one after the other of many that ask at once', async () => {
    const path = join(scratch, 'lock-d');
    const stop = new AbortController();
    let [holders, got] = [0, 0];
    const ask = async (turns: number): Promise<void> => {
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      const release = await holdLock(path, stop.signal, () => undefined);
      assert.equal((holders += 1), 1);
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
      got += 1;
      await release();
    };
    await Promise.all(Array.from({ length: 24 }, (_, turns) => ask(turns)));
    assert.equal(got, 24);
  });

  test('can be waited for in vain', async () => {
    const path = join(scratch, 'lock-c');
    const stop = new AbortController();
    const release = await holdLock(path, never, () => undefined);
    await assert.rejects(holdLock(path, stop.signal, () => { stop.abort(); }), { name: 'AbortError' });
    await release();
  });
});

test('interpreters are looked for where each system has them', () => {
  assert.deepEqual(pythonNames('linux')[0], ['python3']);
  assert.deepEqual(pythonNames('win32')[0], ['py', '-3.13']);
  assert.ok(pythonNames('darwin').some(([name]) => name === 'python3.11'));
  assert.ok(!pythonNames('linux').some(([name]) => name === 'python3.10'));
});

test('the versions that are new enough', () => {
  assert.deepEqual([[3, 10], [3, 11], [3, 14], [4, 0], [2, 7]].map(([a = 0, b = 0]) => isNewEnough([a, b])), [false, true, true, true, false]);
});

test("a probe's answer is read, and nothing else is", () => {
  assert.deepEqual(parseProbe('noise\n[3, 11, "cpython-311", "C:\\\\Python\\\\python.exe"]'), {
    version: [3, 11],
    tag: 'cpython-311',
    path: 'C:\\Python\\python.exe',
  });
  assert.equal(parseProbe('Python 3.11.2'), undefined);
});
