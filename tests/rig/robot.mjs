// One editor session driven from another process: a JSON object a line on standard input, an answer a line on
// standard output. { id, do, with } → { id, value } or { id, error, screenshot }. The end of input closes everything.

import path from 'node:path';
import readline from 'node:readline';

import * as driver from './driver.mjs';

const session = { editor: undefined, browser: undefined, page: undefined, home: undefined, pictures: undefined };

const own = {
  /** { home, folder, vsix, env, settings, pictures }: an editor with these extensions (one or several) installed, showing the folder. */
  async start({ home, folder, vsix, env = {}, settings = {}, pictures, viewport, trust }) {
    Object.assign(session, { home, pictures });
    driver.prepare(home, settings);
    for (const each of [vsix ?? []].flat()) driver.installExtension(home, each, env);
    [session.editor, session.browser] = await Promise.all([driver.startEditor(home, env, { trust }), driver.openBrowser()]);
    session.page = await driver.openWorkbench(session.browser, session.editor.base, folder, { viewport });
    return { base: session.editor.base, pid: session.editor.pid };
  },
  /** { home, folder, extension, module, env }: run tests inside an extension host; their exit code. */
  async test({ home, folder, extension, module, env = {}, settings = {} }) {
    session.home = home;
    driver.prepare(home, settings);
    [session.editor, session.browser] = await Promise.all([driver.startEditor(home, env), driver.openBrowser()]);
    session.page = await driver.openWorkbench(session.browser, session.editor.base, folder, { tests: { extension, module } });
    return session.page.testExit;
  },
  /** { folder }: show another folder in the window, or nothing. */
  async open({ folder }) {
    await session.page.goto(driver.addressOf(session.editor.base, folder), { waitUntil: 'domcontentloaded' });
    await session.page.locator('.monaco-workbench .part.statusbar .statusbar-item').first().waitFor();
  },
  /** Load the window again: a new extension host. */
  async reload() {
    await session.page.reload({ waitUntil: 'domcontentloaded' });
    await session.page.locator('.monaco-workbench .part.statusbar .statusbar-item').first().waitFor();
  },
  /** { url, viewport, scheme, pictures }: a page of its own in the browser, in place of the one before; no editor is needed. */
  async visit({ url, viewport, scheme, pictures }) {
    Object.assign(session, { pictures });
    session.browser ??= await driver.openBrowser();
    await session.page?.context().close();
    session.page = await driver.openPage(session.browser, url, { viewport, scheme });
  },
  /** { viewport, scheme }: the same page at another size, in light or dark. */
  async look({ viewport, scheme }) {
    if (viewport) await session.page.setViewportSize(viewport);
    if (scheme) await session.page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
  },
  /** What the page's console said of faults. */
  complaints: async () => session.page.complaints,
  /** { script }: what an expression gives in the page. */
  evaluate: async ({ script }) => session.page.evaluate(script),
  /** { selector, value }: choose an option. */
  select: async ({ selector, value }) => session.page.selectOption(selector, value),
  /** { file }: a picture of the whole page, however long it is. */
  portrait: async ({ file }) => session.page.screenshot({ path: file, animations: 'disabled', caret: 'hide', fullPage: true }),
  /** Requests that would have left this machine. */
  outside: async () => session.page.outside,
  /** { file }: a picture of the window once nothing turns any more, without a blinking cursor. */
  screenshot: async ({ file }) => {
    await session.page.waitForFunction(() => !document.querySelector('.statusbar-item .codicon-loading, .statusbar-item .codicon-modifier-spin'));
    await session.page.screenshot({ path: file, animations: 'disabled', caret: 'hide' });
  },
  /** { keys }: press these keys, one after the other. */
  press: async ({ keys }) => {
    for (const key of keys) await session.page.keyboard.press(key);
  },
  /** { text }: type into whatever has the focus. */
  type: async ({ text }) => session.page.keyboard.type(text),
  /** { text }: put text where the cursor is, at once, as a paste does. */
  insert: async ({ text }) => session.page.keyboard.insertText(text),
  /** { selector, text }: click the first visible match. */
  click: async ({ selector, text = '' }) => session.page.locator(selector).filter({ hasText: text, visible: true }).first().click(),
  /** { selector, text, wanted, says }: rest the mouse on the first visible match, again whenever what it shows then has gone, until that says so. */
  async hover({ selector, text = '', wanted, says }) {
    const shown = session.page.locator(wanted).filter({ hasText: new RegExp(says) }).first();
    for (let left = 11; ; left -= 1) {
      await session.page.mouse.move(0, 0);
      await session.page.locator(selector).filter({ hasText: text, visible: true }).first().hover();
      try {
        return await shown.waitFor({ timeout: 5_000 });
      } catch (error) {
        if (left === 0) throw error;
      }
    }
  },
  /** { selector, wanted, says }: click the first visible match, again where what takes the focus has closed what it opens, until that says so. */
  async opens({ selector, wanted, says }) {
    const shown = session.page.locator(wanted).filter({ hasText: new RegExp(says) }).first();
    for (let left = 11; ; left -= 1) {
      await session.page.locator(selector).filter({ visible: true }).first().click();
      try {
        return await shown.waitFor({ timeout: 5_000 });
      } catch (error) {
        if (left === 0) throw error;
        await session.page.keyboard.press('Escape');
      }
    }
  },
  /** { selector, text, state }: wait for an element. */
  waitFor: async ({ selector, text = '', state = 'visible' }) =>
    session.page.locator(selector).filter({ hasText: new RegExp(text) }).first().waitFor({ state }),
  /** { text }: wait until a page inside of the window (a preview) shows it; all that it shows. */
  async waitForPreview({ text }) {
    const wanted = new RegExp(text);
    for (const end = Date.now() + 120_000; Date.now() < end; ) {
      for (const frame of session.page.frames()) {
        const shown = frame === session.page.mainFrame() ? '' : await frame.locator('body').innerText({ timeout: 1_000 }).catch(() => '');
        // What it loads for itself is answered before it may be closed.
        if (wanted.test(shown) && session.page.outside.length === 0) return shown;
      }
      await session.page.waitForTimeout(100);
    }
    throw new Error(`no preview shows ${text}`);
  },
  /** { selector, script }: what an expression gives in the page inside of the window that has such an element. */
  async evaluateInPreview({ selector, script }) {
    for (const frame of session.page.frames()) {
      if (frame !== session.page.mainFrame() && (await frame.locator(selector).count())) return frame.evaluate(script);
    }
    throw new Error(`no preview has ${selector}`);
  },
  /** { selector }: the texts of all matches. */
  texts: async ({ selector }) => session.page.locator(selector).allInnerTexts(),
  /** { selector }: what a screen reader says of all matches. */
  labels: async ({ selector }) => session.page.locator(selector).evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? '')),
};

async function close() {
  await session.browser?.close();
  await session.editor?.stop();
}

async function answer({ id, do: action, with: argument = {} }) {
  try {
    const value = own[action] ? await own[action](argument) : await driver[action](session.page, argument);
    return { id, value: value ?? null };
  } catch (failed) {
    const screenshot = session.page && path.join(session.pictures ?? session.home, `failed-${action}.png`);
    await session.page?.screenshot({ path: screenshot }).catch(() => undefined);
    return { id, error: `${action}: ${failed.message}`, screenshot };
  }
}

let stopping;
const stop = () => (stopping ??= close().finally(() => process.exit(0)));
process.on('SIGTERM', stop).on('SIGINT', stop);
for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
await stop();
