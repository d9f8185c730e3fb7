// Drives a real VS Code (code-server) in a real browser, the way a person would: starts it, opens a folder, reads and
// presses what is on the screen. Needs the environment of the rig (rig.env). Everything stays on 127.0.0.1.
//
// Wherever something is waited for, a state is waited for; a time is only the limit after which waiting is given up.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';

const LIMIT = 120_000; // a cold editor on busy cores was seen to need more than 60 s for its extension host and a server

// A quiet window: nothing asks, nothing is fetched, and the terminal is drawn as text that can be read.
const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'editor.minimap.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'window.commandCenter': false,
  'chat.disableAIFeatures': true,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'remote.autoForwardPorts': false,
  'git.openRepositoryInParentFolders': 'never',
  'terminal.integrated.suggest.enabled': false,
  'terminal.integrated.gpuAcceleration': 'off',
};

/** The user and extension folders of an editor under `home`, with these settings on top of the quiet ones. */
export function prepare(home, settings = {}) {
  const user = path.join(home, 'user', 'User');
  fs.mkdirSync(user, { recursive: true });
  fs.mkdirSync(path.join(home, 'extensions'), { recursive: true });
  fs.writeFileSync(path.join(user, 'settings.json'), JSON.stringify({ ...QUIET, ...settings }, null, 2));
}

const folders = (home) => ['--user-data-dir', path.join(home, 'user'), '--extensions-dir', path.join(home, 'extensions')];

/** The environment for the editor: no gallery to ask, nothing of an editor that this one may have been started from. */
function environment(extra) {
  const env = { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}', ...extra };
  for (const name of Object.keys(env)) if (name.startsWith('VSCODE_')) delete env[name];
  return env;
}

/** Install an extension from its .vsix, as a user would. */
export function installExtension(home, vsix, env = {}) {
  const done = spawnSync(process.env.RIG_CODE_SERVER_BIN, [...folders(home), '--install-extension', vsix], {
    encoding: 'utf8',
    env: environment(env),
  });
  if (done.status !== 0) throw new Error(`${vsix} could not be installed: ${done.stdout}${done.stderr}`);
}

/** A port of 127.0.0.1 that nobody listens on. */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Start the editor's server in a process group of its own; `stop` ends that group and waits for its end. With `trust` it asks for it. */
export async function startEditor(home, env = {}, { trust = false } = {}) {
  const port = await freePort();
  const file = path.join(home, 'code-server.log');
  const log = fs.openSync(file, 'a');
  const child = spawn(
    process.env.RIG_CODE_SERVER_BIN,
    ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--config', '/dev/null', ...folders(home)].concat(
      '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override', trust ? [] : '--disable-workspace-trust',
    ),
    { env: environment(env), stdio: ['ignore', log, log], detached: true },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const signal = (name) => {
    try {
      process.kill(-child.pid, name);
    } catch {
      // the group is gone already
    }
  };
  const stop = async () => {
    signal('SIGTERM');
    const late = setTimeout(() => signal('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
  };
  const base = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + LIMIT;
  while (child.exitCode === null && Date.now() < deadline) {
    const answer = await fetch(`${base}/healthz`).catch(() => undefined);
    if (answer?.ok) return { base, pid: child.pid, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`the editor did not start: ${fs.readFileSync(file, 'utf8').slice(-2000)}`);
}

/** A browser without a window. */
export function openBrowser() {
  const { chromium } = createRequire(import.meta.url)(process.env.RIG_PLAYWRIGHT);
  const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({
    executablePath: process.env.RIG_CHROMIUM_BIN,
    args: [...quiet, ...sandbox, '--disable-component-update', '--disable-sync'],
  });
}

/** A file of this machine as a webview names it: its own service worker answers with what the window reads for it. */
const RESOURCE = /^https:\/\/vscode-remote\+127-002e0-002e0-002e1-003a\d+\.vscode-resource\.vscode-cdn\.net\//;
const LOCAL = /^(?:https?|wss?):\/\/127\.0\.0\.1[:/]|^(?:data|blob|vscode[\w-]*):/;

/**
 * Open `folder` (or a `.code-workspace` file) in the editor at `base`. `page.outside` keeps every request that would leave this machine.
 * With `tests` ({ extension, module }) the window is an extension development host that runs `module` (a path
 * without .js whose `run()` is awaited); `page.testExit` then resolves to its exit code.
 */
export async function openWorkbench(browser, base, folder, { tests, viewport = { width: 1440, height: 900 } } = {}) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: 1 });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  page.outside = [];
  page.on('request', (request) => {
    if (!LOCAL.test(request.url())) page.outside.push(request.url());
  });
  page.on('response', (response) => {
    const place = page.outside.indexOf(response.url());
    if (place >= 0 && RESOURCE.test(response.url()) && response.fromServiceWorker()) page.outside.splice(place, 1);
  });
  page.on('requestfailed', (request) => {
    // The webview was closed before its own service worker had answered: nobody was asked.
    const place = page.outside.indexOf(request.url());
    if (place >= 0 && RESOURCE.test(request.url()) && request.failure()?.errorText === 'net::ERR_ABORTED') page.outside.splice(place, 1);
  });
  if (tests) await makeTestHost(context, page, base, tests);
  await page.goto(addressOf(base, folder), { waitUntil: 'domcontentloaded' });
  await page.locator('.monaco-workbench .part.statusbar .statusbar-item').first().waitFor();
  return page;
}

/** Open a page of its own, without an editor. `page.complaints` keeps what its console says of faults. */
export async function openPage(browser, url, { viewport = { width: 1440, height: 900 }, scheme = 'light' } = {}) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: 1, colorScheme: scheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  Object.assign(page, { outside: [], complaints: [] });
  page.on('request', (request) => {
    if (!LOCAL.test(request.url())) page.outside.push(request.url());
  });
  page.on('console', (said) => {
    if (['error', 'warning'].includes(said.type())) page.complaints.push(said.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  await page.goto(url);
  return page;
}

/** Where the editor shows a folder, a `.code-workspace` file, or (an empty name) nothing. */
export function addressOf(base, folder) {
  if (!folder) return `${base}/?ew=true`;
  return `${base}/?${folder.endsWith('.code-workspace') ? 'workspace' : 'folder'}=${encodeURIComponent(folder)}`;
}

// A built VS Code takes its development options from its page's configuration element only.
async function makeTestHost(context, page, base, { extension, module }) {
  const uri = (file) => ({ $mid: 1, scheme: 'vscode-remote', authority: new URL(base).host, path: file });
  page.testExit = new Promise((resolve) => context.exposeFunction('codeAutomationExit', resolve));
  await context.exposeFunction('codeAutomationLog', () => undefined);
  await page.addInitScript(
    (options) => {
      const id = 'vscode-workbench-web-configuration';
      const original = Document.prototype.getElementById;
      Document.prototype.getElementById = function (wanted) {
        const element = original.call(this, wanted);
        if (wanted === id && element && !element.dataset.development) {
          element.dataset.development = 'yes';
          const settings = JSON.parse(element.dataset.settings);
          settings.developmentOptions = { ...settings.developmentOptions, ...options };
          element.dataset.settings = JSON.stringify(settings);
        }
        return element;
      };
    },
    { extensions: [uri(extension)], extensionTestsPath: uri(module) },
  );
}

// ── what a person does ──────────────────────────────────────────────────────────────────────────────

const input = (page) => page.locator('.quick-input-widget .quick-input-filter input');

// What has the focus may take it back from the palette, which closes then: a person opens it again.
async function pick(page, key, text, row) {
  const patience = { timeout: 5_000 };
  for (let left = 11; ; left -= 1) {
    await page.keyboard.press(key);
    try {
      await input(page).waitFor({ state: 'visible', ...patience });
      await input(page).fill(text, patience);
      await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: row }).first().click(patience);
      break;
    } catch (error) {
      if (left === 0) throw error;
      await page.keyboard.press('Escape');
    }
  }
}

async function pickAndLeave(page, key, text, row) {
  await pick(page, key, text, row);
  await input(page).waitFor({ state: 'hidden' });
}

/** Run a command by the title that the palette shows. */
export const runCommand = (page, title) => pickAndLeave(page, 'F1', `>${title}`, title);

/** Run a command that asks further in the palette's place; what it asks is for the caller to wait for. */
export async function startCommand(page, title) {
  await pick(page, 'F1', `>${title}`, title);
  await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first().waitFor({ state: 'hidden' });
}

/** Open a file of the folder by its path; it is ready for keys. */
export async function openFile(page, file) {
  const name = path.basename(file);
  await pickAndLeave(page, 'Control+p', file, name);
  await page.locator('.tab.active').filter({ hasText: name }).waitFor();
  await page.locator(`.editor-instance .monaco-editor.focused[data-uri$="/${name}"]`).first().waitFor();
}

/** Go to a line of the active editor (from 1). */
export async function goToLine(page, line) {
  await pickAndLeave(page, 'Control+g', `:${line}`, new RegExp(`line ${line}\\b`));
  await page.locator('.monaco-editor .line-numbers.active-line-number').filter({ hasText: new RegExp(`^${line}$`) }).first().waitFor();
}

/** The text of each item of the status bar, with its hover text. */
export const statusItems = (page) =>
  page.locator('.part.statusbar .statusbar-item').evaluateAll((items) =>
    items.map((item) => ({ text: item.innerText.trim(), label: item.querySelector('[aria-label]')?.getAttribute('aria-label') ?? '' })),
  );

/** Wait until what an item of the status bar shows or says aloud matches; its text and label. */
export async function waitForStatus(page, pattern) {
  const found = await page.waitForFunction(
    (wanted) => {
      for (const item of document.querySelectorAll('.part.statusbar .statusbar-item')) {
        const text = item.innerText.trim();
        const label = item.querySelector('[aria-label]')?.getAttribute('aria-label') ?? '';
        if (new RegExp(wanted).test(text) || new RegExp(wanted).test(label)) return { text, label };
      }
      return undefined;
    },
    pattern,
    { timeout: LIMIT },
  );
  return found.jsonValue();
}

// ── threads: the widget is in the page only while the thread is expanded and its line is in view ───────

const glyph = '.comment-range-glyph.comment-thread-unresolved, .comment-range-glyph.comment-thread';

/** The marks of threads in the gutter of the visible editor. */
export const glyphs = (page) =>
  page.locator(glyph).evaluateAll((marks) =>
    marks.map((mark) => ({
      top: mark.getBoundingClientRect().top,
      state: mark.classList.contains('comment-thread-unresolved') ? 'open' : 'resolved',
    })).sort((one, other) => one.top - other.top),
  );

/** Wait until the gutter shows this many threads of a state (`open`, `resolved`), or at least so many. */
export async function waitForGlyphs(page, { state = 'open', count, least }) {
  const wanted = state === 'open' ? '.comment-range-glyph.comment-thread-unresolved' : '.comment-range-glyph.comment-thread:not(.comment-thread-unresolved)';
  await page.waitForFunction(
    ([selector, exact, atLeast]) => {
      const seen = document.querySelectorAll(selector).length;
      return exact === undefined ? seen >= atLeast : seen === exact;
    },
    [wanted, count, least ?? 1],
    { timeout: LIMIT },
  );
  return glyphs(page);
}

/** The lines of the visible editor that carry the mark of a thread, by their numbers. */
export const threadLines = (page) =>
  page.locator('.editor-instance .margin-view-overlays > div').evaluateAll(
    (rows, selector) =>
      rows
        .filter((row) => row.querySelector(selector) && row.querySelector('.line-numbers'))
        .map((row) => Number(row.querySelector('.line-numbers').textContent))
        .sort((one, other) => one - other),
    glyph,
  );

const widget = (page, text) => page.locator('.review-widget').filter({ hasText: new RegExp(text) }).first();

/** Expand the thread whose mark is the `index`-th in the gutter, unless one with this text is open already. */
export async function openThread(page, { index = 0, text = '.' }) {
  const shown = widget(page, text);
  if (!(await shown.isVisible())) await page.locator(glyph).nth(index).click();
  await shown.waitFor();
  return readThread(page, { text });
}

/** What an expanded thread shows; actions without the keys that stand behind their names. */
export async function readThread(page, { text = '.' }) {
  const shown = widget(page, text);
  await shown.waitFor();
  return {
    title: await shown.locator('.review-title .filename').innerText(),
    actions: await shown.locator('.review-actions .action-label').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label').replace(/ \([^()]*\)$/, ''))),
    comments: await shown.locator('.review-comment').evaluateAll((all) =>
      all.map((one) => ({
        author: one.querySelector('.author')?.textContent ?? '',
        label: one.querySelector('.isPending')?.textContent ?? '',
        body: one.querySelector('.comment-body')?.innerText.trim() ?? '',
      })),
    ),
  };
}

/** Every expanded thread, top to bottom. */
export const shownThreads = (page) => page.locator('.review-widget').allInnerTexts();

/** Press a button in the head of an expanded thread. */
export const pressInThread = (page, { text = '.', action }) =>
  widget(page, text).locator(`.review-actions :is([aria-label="${action}"], [aria-label^="${action} ("])`).click();

/** Press a button of a comment: these come when the mouse rests on it. */
export async function pressInComment(page, { text = '.', action }) {
  const comment = page.locator('.review-widget .review-comment').filter({ hasText: new RegExp(text) }).first();
  await comment.hover();
  await comment.locator(`.comment-actions [aria-label="${action}"]`).click();
}

/** Write a reply and send it; resolves when the thread shows `answers` comments. */
export async function replyInThread(page, { text = '.', reply, button = 'Reply', comments }) {
  const shown = widget(page, text);
  const field = shown.locator('.comment-form .monaco-editor');
  if (!(await field.isVisible())) await shown.locator('.review-thread-reply-button').click();
  await field.click();
  await page.keyboard.type(reply);
  await shown.locator('.form-actions .monaco-button').filter({ hasText: new RegExp(`^\\s*${button}\\s*$`), visible: true }).click();
  await shown.locator('.review-comment').nth(comments - 1).waitFor();
  return readThread(page, { text });
}

/** The rows of the Comments panel. */
export const commentRows = (page) => page.locator('.comments-panel .monaco-list-row').allInnerTexts();

/** The threads beside the right half of a diff editor. */
export async function diffThreads(page) {
  await page.locator('.monaco-diff-editor').first().waitFor();
  const mark = page.locator('.monaco-diff-editor .editor.modified .comment-range-glyph.comment-thread-unresolved, .monaco-diff-editor .editor.modified .comment-range-glyph.comment-thread');
  await mark.first().waitFor();
  return mark.count();
}

// ── the terminal: only what fits on its screen can be read ──────────────────────────────────────────

/** A new integrated terminal with a prompt. */
export async function openTerminal(page) {
  await runCommand(page, 'Terminal: Create New Terminal');
  await page.locator('.terminal-wrapper.active .xterm-rows').waitFor();
  return waitForTerminal(page, '\\S');
}

/** Type a line and, once the screen shows it, press Enter: what comes in one piece with its line's end counts as pasted text. */
export async function typeInTerminal(page, line) {
  await page.locator('.terminal-wrapper.active .xterm-helper-textarea').focus();
  await page.keyboard.type(line);
  const bare = (text) => text.replace(/\s/g, '');
  const end = bare(line).slice(-20);
  await untilTerminal(page, (screen) => bare(screen).includes(end), line);
  await page.keyboard.press('Enter');
}

/** What the terminal's screen shows. */
export async function terminalScreen(page) {
  const rows = await page.locator('.terminal-wrapper.active .xterm-rows > div').allInnerTexts();
  return rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd()).join('\n').trim();
}

/** Wait until the terminal's screen matches; the screen. */
export function waitForTerminal(page, pattern) {
  const wanted = new RegExp(pattern, 'm');
  return untilTerminal(page, (screen) => wanted.test(screen), wanted);
}

async function untilTerminal(page, isThere, wanted) {
  for (const deadline = Date.now() + LIMIT; ; ) {
    const screen = await terminalScreen(page);
    if (isThere(screen)) return screen;
    if (Date.now() > deadline) throw new Error(`the terminal never showed ${wanted}:\n${screen}`);
    await page.waitForTimeout(50); // between two looks at a state
  }
}
