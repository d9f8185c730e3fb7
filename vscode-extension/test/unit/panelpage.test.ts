/** The dashboard's page in a panel: the server's own files fit, only what bears the nonce may run, and nothing gets out. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { failedPage, panelPage } from '../../src/panelpage';

const file = (name: string): string => readFileSync(`../sidecar/dashboard/page/${name}`, 'utf8');
const NONCE = '00112233445566778899aabbccddeeff';

test("the server's page fits into a panel", () => {
  const page = panelPage(file('index.html'), file('style.css'), file('app.js'), NONCE);
  assert.ok(page.includes(file('style.css')) && page.includes(file('app.js')));
  assert.doesNotMatch(page, /(?:src|href)="(?!#)/, 'nothing is loaded from anywhere');
  for (const [tag] of page.matchAll(/<(?:script|style)\b[^>]*>/g)) assert.ok(tag.includes(`nonce="${NONCE}"`), tag);
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
  assert.deepEqual(policy.split('; ').sort(), ["base-uri 'none'", "default-src 'none'", "form-action 'none'", `script-src 'nonce-${NONCE}'`, `style-src 'nonce-${NONCE}'`]);
  assert.ok(page.indexOf('Content-Security-Policy') < page.indexOf('<style'), 'the policy holds for all that comes after it');
});

test('dollar signs of the script stay what they are', () => {
  const page = panelPage(file('index.html'), 'a { color: red }', "const a = `$&$1$'${b}`;", NONCE);
  assert.ok(page.includes("const a = `$&$1$'${b}`;"));
});

const STRANGE: readonly (readonly [string, string, string])[] = [
  ['<p>another page</p>', '', ''],
  [file('index.html'), 'a{}</style><script>', ''],
  [file('index.html'), '', 'x = "</script>"'],
  [file('index.html'), '', 'x = "<!-- <script>"'],
];
for (const [html, css, js] of STRANGE) {
  test(`no panel is made of ${html.slice(0, 20)} ${css} ${js}`, () => {
    assert.throws(() => panelPage(html, css, js, NONCE));
  });
}

test('why there are no figures is text', () => {
  const page = failedPage('<img src=x onerror=alert(1)> & "so"');
  assert.ok(!page.includes('<img'));
  assert.ok(page.includes('&#60;img src=x onerror=alert(1)&#62; &#38; &#34;so&#34;'));
});
