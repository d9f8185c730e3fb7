/** Finds a Python that the server can run on, and runs programs for it. Does not know `vscode`. */

import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The oldest Python that the server runs on. */
export const OLDEST_PYTHON = [3, 11] as const;

const NEWEST_MINOR = 14;
const PROBE = 'import json,sys;print(json.dumps([sys.version_info[0],sys.version_info[1],sys.implementation.cache_tag,getattr(sys,"_base_executable",sys.executable)]))';

/** An interpreter: its real executable (outside of any virtual environment), and its version. */
export interface Python {
  readonly path: string;
  readonly version: readonly [major: number, minor: number];
  /** The interpreter's ABI as it names its cached byte code: `cpython-311`. */
  readonly tag: string;
}

/** How a program ended. */
export interface Outcome {
  /** The exit code; null when the program could not be started or was ended by a signal. */
  readonly code: number | null;
  readonly output: string;
}

/** What a run may be given: where to run, whom to tell each line, and when to stop. */
export interface RunOptions {
  readonly cwd?: string;
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Runs a program without a shell. Never rejects: a program that is not there gives `code: null`. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const lines: string[] = [];
    const take = (line: string): void => {
      lines.push(line);
      options.say?.(line);
    };
    const child = spawn(program, args, {
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.timeoutMs ? { timeout: options.timeoutMs } : {}),
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream, crlfDelay: Infinity }).on('line', take);
    }
    child.on('error', (error) => {
      lines.push(error.message);
      resolve({ code: null, output: lines.join('\n') });
    });
    child.on('close', (code) => {
      resolve({ code, output: lines.join('\n') });
    });
  });
}

/** Names under which an interpreter may be found, best first: newest last, as fewer wheels exist for the newest. */
export function pythonNames(platform: NodeJS.Platform): readonly (readonly string[])[] {
  const minors = Array.from({ length: NEWEST_MINOR - OLDEST_PYTHON[1] + 1 }, (_, i) => NEWEST_MINOR - i);
  const order = [...minors.slice(1), NEWEST_MINOR];
  if (platform === 'win32') return [...order.map((m) => ['py', `-3.${m}`]), ['python'], ['python3']];
  return [['python3'], ...order.map((m) => [`python3.${m}`]), ['python']];
}

/** Whether the server runs on this version. */
export function isNewEnough(version: readonly [number, number]): boolean {
  const [major, minor] = version;
  return major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1]);
}

/** Asks a command what it is; undefined when it is no Python that answers. */
export async function probePython(command: readonly string[], cwd: string): Promise<Python | undefined> {
  const [program, ...args] = command;
  if (program === undefined) return undefined;
  const { code, output } = await run(program, [...args, '-I', '-c', PROBE], { cwd, timeoutMs: 10_000 });
  return code === 0 ? parseProbe(output) : undefined;
}

/** Reads a probe's answer. */
export function parseProbe(output: string): Python | undefined {
  const match = /^\[(\d+), (\d+), ("[^"]*"), ("(?:[^"\\]|\\.)*")\]$/m.exec(output);
  if (!match) return undefined;
  const [, major, minor, tag, path] = match;
  return {
    version: [Number(major), Number(minor)],
    tag: String(JSON.parse(tag ?? '""')),
    path: String(JSON.parse(path ?? '""')),
  };
}

/** What a search for an interpreter found: one that is new enough, or the versions that are too old. */
export interface Search {
  readonly found: Python | undefined;
  readonly tooOld: readonly Python[];
}

/** The first interpreter that is new enough. `chosen` is the user's own choice, which alone counts when it is given. */
export async function findPython(chosen: string, cwd: string, platform: NodeJS.Platform): Promise<Search> {
  const tooOld: Python[] = [];
  for (const command of chosen ? [[chosen]] : pythonNames(platform)) {
    const python = await probePython(command, cwd);
    if (python && isNewEnough(python.version)) return { found: python, tooOld };
    if (python) tooOld.push(python);
  }
  return { found: undefined, tooOld };
}

/** The `uv` program, where there is one. */
export async function findUv(cwd: string, platform: NodeJS.Platform): Promise<string | undefined> {
  const name = platform === 'win32' ? 'uv.exe' : 'uv';
  const places = ['uv', join(homedir(), '.local', 'bin', name), join(homedir(), '.cargo', 'bin', name)];
  for (const place of places) {
    if ((await run(place, ['--version'], { cwd, timeoutMs: 10_000 })).code === 0) return place;
  }
  return undefined;
}
