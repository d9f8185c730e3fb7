/** Where the endpoint is to listen, and with which token: known before the server starts, the same after a reload. */

import { createHash, randomBytes } from 'node:crypto';

const FIRST_PORT = 20_000;
const PORTS = 10_000;
const TOKEN = /^[0-9a-f]{64}$/;
const TOKEN_KEY = 'sidecar.token';

/** What terminals and the server are told. */
export interface Address {
  readonly port: number;
  readonly token: string;
  /** Where the Claude Code CLI finds this window. */
  readonly companionPort: number;
}

/** The part of VS Code's `Memento` that is needed here. */
export interface Memory {
  get(key: string): unknown;
  update(key: string, value: unknown): Thenable<void>;
}

/**
 * A port for a workspace: always the same one for the same path, from 20000 to 29999, which lies below the ranges
 * that operating systems hand out to outgoing connections.
 */
export function derivePort(workspace: string): number {
  const digest = createHash('sha256').update(workspace).digest();
  return FIRST_PORT + (digest.readUInt32BE(0) % PORTS);
}

/** The endpoint's URL as the Claude Code CLI wants it: without `/v1`. */
export function baseUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/**
 * The address for a workspace. `configured` is the setting, 0 for a port of the workspace's own. The token, 256 random
 * bits in hexadecimal, is made once and kept, so that terminals go on working after a reload.
 */
export function addressFor(workspace: string, configured: number, memory: Memory): Address {
  return {
    port: configured === 0 ? derivePort(workspace) : configured,
    token: keptToken(memory),
    companionPort: derivePort(`${workspace}\0companion`),
  };
}

function keptToken(memory: Memory): string {
  const kept = memory.get(TOKEN_KEY);
  if (typeof kept === 'string' && TOKEN.test(kept)) return kept;
  const made = randomBytes(32).toString('hex');
  void memory.update(TOKEN_KEY, made);
  return made;
}
