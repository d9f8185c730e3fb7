// `make editor`: a real VS Code in the browser with the extension installed, on a sample repository with a risky
// uncommitted change, in fresh folders that vanish on Ctrl-C. Nothing of the user's own set-up is read or touched.
//
//   node editor.mjs VSIX SAMPLE_FOLDER SCRATCH_FOLDER [SIDECAR_COMMAND]

import fs from 'node:fs';
import path from 'node:path';

import { installExtension, prepare, startEditor } from './driver.mjs';

const [vsix, folder, scratch, command] = process.argv.slice(2);
if (!scratch) {
  console.error('usage: editor.mjs VSIX SAMPLE_FOLDER SCRATCH_FOLDER [SIDECAR_COMMAND]');
  process.exit(2);
}

// Claude Code in the terminal must not ask for a theme or for trust, nor look for another editor.
const home = path.join(scratch, 'home');
const config = path.join(home, '.claude');
fs.mkdirSync(config, { recursive: true });
fs.writeFileSync(
  path.join(config, '.claude.json'),
  JSON.stringify({ hasCompletedOnboarding: true, theme: 'dark', projects: { [folder]: { hasTrustDialogAccepted: true } } }),
);
const env = {
  HOME: home,
  CLAUDE_CONFIG_DIR: config,
  DISABLE_AUTOUPDATER: '1',
  CLAUDE_CODE_IDE_SKIP_AUTO_INSTALL: '1',
  SIDECAR_STATE_DIR: path.join(scratch, 'state'),
};
const editor = path.join(scratch, 'editor');
prepare(editor, command ? { 'sidecar.command': [command] } : {});
console.error('installing the extension …');
installExtension(editor, vsix, env);
const server = await startEditor(editor, env);

console.log(`${server.base}/?folder=${encodeURIComponent(folder)}`);
console.error(`
Open this address in a browser: VS Code with Sidecar, on the sample repository.
  Source Control shows an uncommitted change in tally/settlement.py; its risky lines carry threads.
  In a terminal of the editor: claude -p "Summarize the recent diff"
Ctrl-C here ends it and removes ${scratch}.`);

// The terminal and `make` may both send one: a second does not cut short what the first began.
let stopping;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { stopping ??= server.stop().then(() => process.exit(0)); });
