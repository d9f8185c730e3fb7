/** A task must reach Claude Code, and no shell may read it: tried with the shells that are here, and hostile text. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { VARIABLE, isClaude, launchLine, pasted, quotes } from '../../src/handover';

const folder = mkdtempSync(join(tmpdir(), 'sidecar-shell-'));
after(() => { rmSync(folder, { recursive: true }); });
const PATH = '/usr/local/bin:/usr/bin:/bin';
const canary = join(folder, 'ran');
const run = `touch ${canary}`;
const HOSTILE = [
  `$(${run})`, `\`${run}\``, `'; ${run}; '`, `"; ${run}; "`, `\n${run}\n`, `\r${run}\r`, `\u001b[201~\n${run}\n`, `\\'; ${run}; #`, `\\`, `!!`, `!${run}`,
  `\u2018; ${run}; \u2019`, `\u201b; ${run}`, `%SIDECAR%&${run}`, `|| ${run}`, `#\n${run}`, `>${canary}`, `*?~{a,b}`, `\u0003\n${run}\n`, `\u0004${run}`, `(${run})`, `$'\\n'${run}`, `\u0000${run}`,
];
const every = HOSTILE.join(' ');
const SHELLS = ['bash', 'dash', 'sh', 'zsh', 'fish', 'ksh', 'pwsh'].filter((name) => spawnSync(name, ['-c', 'exit'], { stdio: 'ignore' }).error === undefined);

for (const shell of SHELLS) {
  for (const interactive of shell === 'pwsh' ? [false] : [false, true]) {
    test(`${shell}${interactive ? ' at a prompt' : ''} finds nothing to run in a paste`, () => {
      for (const task of [...HOSTILE, every]) {
        const plain = pasted(task).slice(6, -6);
        for (const input of [`${pasted(task)}\n`, `${plain}\n`]) {
          const options = shell === 'bash' && interactive ? ['--norc', '-i'] : interactive ? ['-i'] : [];
          spawnSync(shell, options, { input, cwd: folder, env: { PATH, HOME: folder, TERM: 'dumb' }, timeout: 20_000 });
          assert.equal(existsSync(canary), false, `${shell} ran ${JSON.stringify(task)}`);
        }
      }
    });
  }

  test(`${shell} hands the task over word for word`, () => {
    const line = launchLine(`/usr/bin/${shell}`);
    assert.ok(line);
    const program = join(folder, 'claude');
    writeFileSync(program, '#!/bin/sh\nprintf %s "$#:$1" > told\n', { mode: 0o755 });
    for (const task of [...HOSTILE, every].map((text) => `It is about ${text.replaceAll('\u0000', '')}`)) {
      spawnSync(shell, ['-c', line], { cwd: folder, env: { PATH: `${folder}:${PATH}`, HOME: folder, [VARIABLE]: task } });
      assert.equal(readFileSync(join(folder, 'told'), 'utf8'), `1:${task}`);
      assert.equal(existsSync(canary), false);
    }
  });
}

test('a paste has no key in it but its own brackets', () => {
  const keys = pasted(every).slice(6, -6);
  assert.match(keys, /^[ -~]+$/);
  assert.equal(keys.match(/['!]/g)?.length, 2);
  assert.equal(JSON.parse(/'(.*)'$/.exec(keys)?.[1] ?? ''), every);
});

const LINES = [
  ['claude', true], ['claude --permission-mode default', true], ['/opt/bin/claude "x y"', true], ['A=b claude', true], ['claude "mend $(x)"', true],
  ['claude -p "hi"', false], ['claude --print hi', false], ['claude mcp list', false], ['claude-code', false], ['echo claude', false], ['', false], ['claude --version', false],
] as const;
for (const [line, talks] of LINES) test(`${JSON.stringify(line)} ${talks ? 'is' : 'is not'} a Claude Code to talk with`, () => { assert.equal(isClaude(line), talks); });

const SHELL_PATHS = [
  ['/bin/bash', `claude "$${VARIABLE}"`], ['/usr/bin/fish', `claude "$${VARIABLE}"`], ['C:\\Program Files\\Git\\bin\\bash.exe', `claude "$${VARIABLE}"`],
  ['/usr/bin/pwsh', `claude "$env:${VARIABLE}"`], ['C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe', undefined], ['C:\\Windows\\System32\\cmd.exe', undefined],
  ['/bin/tcsh', undefined], ['', undefined],
] as const;
for (const [path, line] of SHELL_PATHS) test(`how Claude Code is started with a task in ${path}`, () => { assert.equal(launchLine(path), line); });

test('a paste is trusted only to shells whose quotes we know', () => {
  assert.deepEqual(['bash', 'zsh', 'fish', 'pwsh', 'cmd', 'csh', 'nu', 'python'].map((shell) => quotes(shell, '/bin/bash')), [true, true, true, true, false, false, false, false]);
  assert.equal(quotes(undefined, '/bin/zsh'), true);
  assert.equal(quotes(undefined, 'cmd.exe'), false);
  assert.equal(quotes('node', '/bin/bash'), true);
});
