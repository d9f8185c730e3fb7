/** The small pure parts: log lines, watched paths, patience, and the table of commands against the manifest. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { COMMANDS, type CommandLook, menuGroups } from '../../src/commands';
import { parseLogLine } from '../../src/loglines';
import { Patience } from '../../src/patience';
import { isWorthTelling } from '../../src/watched';

const LINES: readonly (readonly [string, string, string])[] = [
  ['2026-11-23T07:30:00.000Z [info     ] started  [app] port=1', 'info', 'started  [app] port=1'],
  ['2026-11-23T07:30:00.000Z [warning  ] retry  [providers]', 'warn', 'retry  [providers]'],
  ['[error] no', 'error', 'no'],
  ['[critical ] no', 'error', 'no'],
  ['[debug    ] x', 'debug', 'x'],
  ['Traceback (most recent call last):', 'info', 'Traceback (most recent call last):'],
  ['an [error] inside', 'info', 'an [error] inside'],
];

for (const [line, level, text] of LINES) {
  test(`the log line ${line}`, () => {
    assert.deepEqual(parseLogLine(line), { level, text });
  });
}

const PATHS: readonly (readonly [string, boolean])[] = [
  ['/w/src/app.py', true], ['/w/.gitignore', true], ['/w/.github/x.yml', true], ['/w/.git/HEAD', true], ['/w/.git/index', true],
  ['/w/.git/index.lock', false], ['/w/.git/objects/ab/cd', false], ['/w/.git/logs/HEAD', true], ['/w/.git/logs/refs/heads/x', false], ['/w/node_modules/x/index.js', false], ['/w/a/__pycache__/a.pyc', false],
];

for (const [path, told] of PATHS) {
  test(`a change of ${path} is ${told ? '' : 'not '}told`, () => {
    assert.equal(isWorthTelling(path), told);
  });
}

test('a server that ends is started at once, then with growing pauses, then not any more', () => {
  const patience = new Patience();
  const pauses = [0, 1, 2, 3, 4, 5].map((second) => patience.pauseAfterEnd(second * 1000));
  assert.deepEqual(pauses, [0, 500, 1000, 2000, 4000, undefined]);
});

test('a server that ends now and then is always started again', () => {
  const patience = new Patience();
  const minutes = Array.from({ length: 30 }, (_, i) => patience.pauseAfterEnd(i * 60_000));
  assert.ok(minutes.every((pause) => pause !== undefined));
});

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly category: string; readonly icon?: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string; readonly group?: string; readonly when?: string }[]>>;
    readonly keybindings: readonly { readonly command: string; readonly key: string; readonly mac: string; readonly when: string }[];
    readonly walkthroughs: readonly { readonly steps: readonly { readonly description: string; readonly media: { readonly markdown: string } }[] }[];
  };
}
const text = readFileSync('package.json', 'utf8');
const manifest = JSON.parse(text) as Manifest;
const words = JSON.parse(readFileSync('package.nls.json', 'utf8')) as Record<string, string>;

test('the manifest lists the commands of the table, with their titles and icons', () => {
  const listed = manifest.contributes.commands.map(({ command, title, category }) => [command, words[title.slice(1, -1)], category]);
  assert.deepEqual(listed, Object.entries<CommandLook>(COMMANDS).map(([id, look]) => [id, look.title, 'Sidecar']));
  for (const { command, icon } of manifest.contributes.commands) {
    if (icon) assert.equal(icon, `$(${COMMANDS[command as keyof typeof COMMANDS].icon})`);
  }
});

test('every menu entry is a command', () => {
  const entries = Object.values(manifest.contributes.menus).flat();
  assert.deepEqual(entries.filter(({ command }) => !(command in COMMANDS)), []);
});

test('every act on a row of the view "Review" has a name and a picture, and stands in the menu, which keys reach', () => {
  const entries = manifest.contributes.menus['view/item/context'] ?? [];
  const inMenu = new Set(entries.filter(({ group }) => !group?.startsWith('inline')).map(({ command }) => command));
  const pictured = new Set(manifest.contributes.commands.filter(({ icon }) => icon).map(({ command }) => command));
  assert.deepEqual(entries.filter(({ command }) => !inMenu.has(command) || !pictured.has(command)), []);
  for (const act of ['fix', 'dismiss', 'resolve', 'unresolve', 'stage', 'revert', 'answer']) assert.ok(inMenu.has(`sidecar.thread.${act}`), act);
});

test('keys lie behind one prefix, each once, and are told wherever people look for them', () => {
  const { keybindings } = manifest.contributes;
  assert.equal(new Set(keybindings.map(({ key }) => key)).size, keybindings.length);
  const pages = ['README.md', '../docs/review.md'].map((name) => readFileSync(name, 'utf8'));
  for (const { command, key, mac, when } of keybindings) {
    const last = /^ctrl\+k alt\+(\w+)$/.exec(key)?.[1] ?? '';
    assert.equal(mac, `cmd+k alt+${last}`);
    assert.match(when, /^workspaceFolderCount > 0/);
    const row = `\`Alt+${last.charAt(0).toUpperCase()}${last.slice(1)}\``;
    const title = COMMANDS[command as keyof typeof COMMANDS].title;
    for (const page of pages) assert.ok(page.split('\n').some((line) => line.includes(row) && line.includes(title)), `${row} ${title}`);
  }
});

test('the first steps lead to commands that there are, and show pages that there are', () => {
  const steps = manifest.contributes.walkthroughs.flatMap((walk) => walk.steps);
  const views = [...text.matchAll(/"id": "(sidecar\.\w+)", "name"/g)].map((match) => `${match[1] ?? ''}.focus`);
  assert.ok(steps.length >= 3);
  for (const { description, media } of steps) {
    const said = words[description.slice(1, -1)] ?? '';
    const named = [...said.matchAll(/\(command:(sidecar\.[\w.]+)\)/g)].map((match) => match[1] ?? '');
    assert.ok(named.length > 0 && named.every((id) => id in COMMANDS || views.includes(id)), description);
    // VS Code shows marks of Markdown there as they are, and a command's two keys in a line that widens the step beyond its frame.
    assert.doesNotMatch(said, /[*`_]/);
    assert.ok(manifest.contributes.keybindings.every(({ command }) => !named.includes(command)), description);
    assert.ok(readFileSync(media.markdown, 'utf8').length > 0);
  }
});

test('every text of the manifest is there, and none is left over', () => {
  const used = [...text.matchAll(/"%([\w.]+)%"/g)].map((match) => match[1]);
  assert.deepEqual([...new Set(used)].sort(), Object.keys(words).sort());
});

test('the README names every command and every setting', () => {
  const readme = readFileSync('README.md', 'utf8');
  const shown = Object.entries<CommandLook>(COMMANDS).filter(([id]) => !id.startsWith('sidecar.thread.'));
  const settings = [...text.matchAll(/"(sidecar\.[\w.]+)": \{/g)].map((match) => match[1] ?? '');
  assert.ok(settings.length > 10);
  assert.deepEqual(shown.filter(([, look]) => !readme.includes(look.title)), []);
  assert.deepEqual(settings.filter((name) => !readme.includes(`| \`${name}\` |`)), []);
});

test('the menu shows each of its commands once', () => {
  const ids = menuGroups().flatMap(([, group]) => group);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(!ids.includes('sidecar.menu'));
});
