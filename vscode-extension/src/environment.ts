/**
 * The server's own Python environment: made once for each version, from the wheel inside the extension, beside all
 * projects and never inside one. Does not know `vscode`.
 */

import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { holdLock } from './lock';
import { type Python, findPython, findUv, run } from './python';

const READY = 'ready.json';
const UNUSED_MS = 30 * 24 * 60 * 60 * 1000;

/** What the extension carries: the server's wheel, the hashed list of what it needs, and a digest of both. */
export interface Bundle {
  readonly wheel: string;
  readonly lock: string;
  readonly digest: string;
}

/** What cannot go on without the user. The message says what is missing and how to get it. */
export class SetupProblem extends Error {
  constructor(
    readonly kind: 'no-bundle' | 'no-python' | 'no-venv' | 'install' | 'cancelled',
    message: string,
  ) {
    super(message);
    this.name = 'SetupProblem';
  }
}

/** Where the environment lives and what it is made from. `root` is a folder of ours alone. */
export interface EnvironmentPlan {
  readonly root: string;
  readonly version: string;
  readonly bundle: Bundle;
  /** The interpreter that the user chose; empty to search. */
  readonly python: string;
  /** A folder of wheels to install from instead of the registry; empty for the registry. */
  readonly wheelhouse: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly platform: NodeJS.Platform;
}

/** Reads `bundled/manifest.json`. Throws SetupProblem when the extension was packaged without the server. */
export async function readBundle(folder: string): Promise<Bundle> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    const { wheel, lock, digest } = manifest as Record<string, unknown>;
    if (typeof wheel === 'string' && typeof lock === 'string' && typeof digest === 'string') {
      return { wheel: join(folder, wheel), lock: join(folder, lock), digest };
    }
  } catch {
    // Not there or not readable: told below, with the way out.
  }
  throw new SetupProblem(
    'no-bundle',
    'This build of the extension does not carry the server. Set "sidecar.command" to an installed sidecar.',
  );
}

/** The environment's interpreter, when it stands already. */
export async function findEnvironment(plan: Pick<EnvironmentPlan, 'root' | 'version' | 'bundle' | 'platform'>): Promise<string | undefined> {
  const names = await readdir(plan.root).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(keyStart(plan)))) {
    const folder = join(plan.root, name);
    const python = pythonIn(folder, plan.platform);
    if (existsSync(join(folder, READY)) && existsSync(python)) {
      const now = new Date();
      await utimes(join(folder, READY), now, now).catch(() => undefined);
      return python;
    }
  }
  return undefined;
}

/**
 * The environment's interpreter; made now if it does not stand. With `anew` what stands is made again.
 *
 * Made in a folder of its own and then renamed, under a lock, so a window that is closed half-way leaves nothing that
 * looks finished, and two windows do not work at once.
 */
export async function makeEnvironment(plan: EnvironmentPlan, anew = false): Promise<string> {
  await mkdir(plan.root, { recursive: true });
  const release = await holdLock(join(plan.root, 'lock'), plan.signal, () => {
    plan.say('Another window is preparing the environment; waiting for it.');
  });
  try {
    const standing = anew ? undefined : await findEnvironment(plan);
    return standing ?? (await build(plan));
  } finally {
    await release();
    void removeUnused(plan);
  }
}

async function build(plan: EnvironmentPlan): Promise<string> {
  const uv = await findUv(plan.root, plan.platform);
  const search = await findPython(plan.python, plan.root, plan.platform);
  if (!search.found) throw noPython(search.tooOld, plan.python);
  const draft = join(plan.root, 'draft');
  await rm(draft, { recursive: true, force: true });
  try {
    await createVenv(plan, uv, search.found, draft);
    await install(plan, uv, pythonIn(draft, plan.platform));
    await prove(plan, pythonIn(draft, plan.platform));
    await writeFile(join(draft, READY), JSON.stringify({ version: plan.version, digest: plan.bundle.digest }));
    const final = join(plan.root, `${keyStart(plan)}${search.found.tag}-${process.arch}`);
    await rm(final, { recursive: true, force: true });
    await rename(draft, final);
    return pythonIn(final, plan.platform);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw plan.signal.aborted ? new SetupProblem('cancelled', 'Preparing the environment was cancelled.') : error;
  }
}

async function createVenv(plan: EnvironmentPlan, uv: string | undefined, python: Python, folder: string): Promise<void> {
  plan.say(`Making an environment with Python ${python.version.join('.')} (${python.path})${uv ? ' and uv' : ''}`);
  const made = uv
    ? await step(plan, uv, ['venv', '--no-project', '--relocatable', '--python', python.path, folder])
    : await step(plan, python.path, ['-I', '-m', 'venv', folder]);
  if (made.code === 0) return;
  const help = /ensurepip|python3?[\d.]*-venv/.test(made.output)
    ? 'Its "venv" module is not complete: install the package python3-venv (Debian, Ubuntu), or install uv.'
    : 'See the log for its own words.';
  throw new SetupProblem('no-venv', `${python.path} could not make a virtual environment. ${help}`);
}

async function install(plan: EnvironmentPlan, uv: string | undefined, python: string): Promise<void> {
  const source = plan.wheelhouse ? ['--no-index', '--find-links', plan.wheelhouse] : [];
  const pip = uv ? [uv, 'pip', 'install', '--python', python] : [python, '-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--progress-bar=off'];
  const locked = ['--require-hashes', '--only-binary', ':all:', '-r', plan.bundle.lock];
  for (const what of [[...source, ...locked], ['--no-deps', '--no-index', plan.bundle.wheel]]) {
    const [program = python, ...args] = [...pip, ...what];
    const { code, output } = await step(plan, program, args);
    if (code !== 0) throw new SetupProblem('install', installHelp(plan, output));
  }
}

async function prove(plan: EnvironmentPlan, python: string): Promise<void> {
  const { code, output } = await step(plan, python, ['-I', '-m', 'sidecar', '--version']);
  if (code !== 0) throw new SetupProblem('install', `The server was installed but does not start: ${lastLine(output)}`);
}

function step(plan: EnvironmentPlan, program: string, args: readonly string[]): ReturnType<typeof run> {
  return run(program, args, { cwd: plan.root, say: plan.say, signal: plan.signal });
}

function installHelp(plan: EnvironmentPlan, output: string): string {
  if (plan.wheelhouse) return `The wheels in ${plan.wheelhouse} do not suffice: ${lastLine(output)}`;
  if (/resolve|Connection|network|timed out|unreachable|Temporary failure|dns error/i.test(output)) {
    return 'The package registry could not be reached. Go online or set a proxy, or point "sidecar.wheelhouse" to a folder of wheels.';
  }
  return `Installing what the server needs failed: ${lastLine(output)}`;
}

function noPython(tooOld: readonly Python[], chosen: string): SetupProblem {
  const seen = tooOld.map((python) => `${python.path} is ${python.version.join('.')}`).join(', ');
  if (chosen) {
    const what = seen ? `is too old (${seen})` : 'does not run';
    return new SetupProblem('no-python', `The Python set as "sidecar.python" ${what}. Sidecar needs Python 3.11 or newer.`);
  }
  return new SetupProblem('no-python', `Sidecar needs Python 3.11 or newer and found ${seen ? `only older ones: ${seen}` : 'none'}.`);
}

async function removeUnused(plan: EnvironmentPlan): Promise<void> {
  for (const name of await readdir(plan.root).catch(() => [])) {
    const folder = join(plan.root, name);
    const used = await stat(join(folder, READY)).catch(() => undefined);
    const old = used !== undefined && Date.now() - used.mtimeMs > UNUSED_MS;
    if (old && !name.startsWith(keyStart(plan))) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function keyStart(plan: Pick<EnvironmentPlan, 'version' | 'bundle'>): string {
  return `${plan.version}-${plan.bundle.digest.slice(0, 12)}-`;
}

function pythonIn(folder: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)?.trim() ?? 'it gave no reason';
}

