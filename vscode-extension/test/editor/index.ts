/** Runs the tests inside the extension host; what they say goes to `report.txt` in the opened folder. */

import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';
import { workspace } from 'vscode';

/** The entry that VS Code calls: resolves when everything passed. */
export async function run(): Promise<void> {
  const folder = workspace.workspaceFolders?.[0]?.uri.fsPath ?? '.';
  const say = (line: string): void => {
    appendFileSync(`${folder}/report.txt`, `${line}\n`);
  };
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: 'min' });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  await import('./sidecar.test');
  await import('./host.test');
  const failures = await new Promise<number>((resolve) => {
    mocha
      .run(resolve)
      .on('pass', (test) => { say(`  ✔ ${test.fullTitle()} (${test.duration ?? 0} ms)`); })
      .on('fail', (test, error: unknown) => { say(`  ✖ ${test.fullTitle()}\n${error instanceof Error ? String(error.stack) : String(error)}`); });
  });
  if (failures > 0) throw new Error(`${failures} failed`);
}
