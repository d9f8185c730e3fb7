/** The reverse bridge, answered by the editor's own TypeScript extension, as the server hears it over the wire. */

import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { type Extension, Uri, WorkspaceEdit, Position, commands, extensions, window, workspace } from 'vscode';

import type { SidecarApi } from '../../src/extension';
import type { HostAnswer, HostQuery } from '../../src/hostprotocol';

const folder = workspace.workspaceFolders?.[0]?.uri ?? Uri.file('/');
const file = (name: string): string => Uri.joinPath(folder, name).toString();
let api: SidecarApi;

type Place = Readonly<{ uri: string; range: { start: { line: number; character: number } } }>;

/** What the server is answered. */
async function ask(what: HostQuery['what'], more: Partial<HostQuery> & { cancel?: boolean } = {}): Promise<HostAnswer> {
  const query = { what, uri: file('shop.ts'), position: null, query: '', deadlineMs: 30_000, limit: 100, also: [], ...more };
  await commands.executeCommand('sidecar.thread.reply', { thread: 't1', text: `ask ${JSON.stringify(query)}` });
  const said = api.threads().find(({ id }) => id === 't1')?.comments.at(-1);
  assert.equal(said?.name, 'Host');
  return JSON.parse(said.body) as HostAnswer;
}

const at = (line: number, character: number): Pick<HostQuery, 'position'> => ({ position: { line, character } });
const places = ({ result }: HostAnswer): string[] =>
  (result as readonly Place[]).map(({ uri, range: { start } }) => `${uri.slice(uri.lastIndexOf('/') + 1)}:${start.line}:${start.character}`).sort();

/** Looks again until it holds; `seen` says what there was instead. */
async function until(holds: () => Promise<boolean>, seen: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, seen());
    await new Promise((resolve) => setTimeout(resolve, 50)); // between two looks at a state
  }
}

before(() => {
  const extension: Extension<SidecarApi> | undefined = extensions.getExtension('claude-sidecar.claude-sidecar');
  assert.ok(extension);
  api = extension.exports;
});

describe('the bridge', () => {
  it('waits for a cold TypeScript extension in place of giving an empty list', async () => {
    const answer = await ask('definition', at(4, 17));
    assert.equal(answer.status, 'ready');
    assert.deepEqual(places(answer), ['cart.ts:2:2']);
    assert.equal(answer.provider, 'vscode.typescript-language-features');
    assert.equal(answer.version, 1);
  });

  it('finds references, implementations and types', async () => {
    assert.deepEqual(places(await ask('references', { uri: file('cart.ts'), ...at(2, 3) })), ['cart.ts:2:2', 'shop.ts:4:16']);
    assert.deepEqual(places(await ask('typeDefinition', at(5, 10))), ['cart.ts:0:13']);
    assert.deepEqual(places(await ask('implementation', { uri: file('cart.ts'), ...at(0, 14) })), ['cart.ts:0:13']);
  });

  it('tells hover, outline and symbols of the workspace', async () => {
    assert.match(JSON.stringify((await ask('hover', at(4, 17))).result), /Cart\.add\(item: string\): void/);
    const [outline] = (await ask('documentSymbols', { uri: file('cart.ts') })).result as { name: string; kind: number; children: { name: string }[] }[];
    assert.deepEqual([outline?.name, outline?.kind, outline?.children.map(({ name }) => name)], ['Cart', 5, ['add', 'items']]);
    const found = (await ask('workspaceSymbols', { uri: null, query: 'Cart' })).result as { name: string }[];
    assert.ok(found.some(({ name }) => name === 'Cart'));
  });

  it('knows both sides of a call', async () => {
    const callers = (await ask('callers', { uri: file('cart.ts'), ...at(2, 3) })).result as { from: { name: string }; fromRanges: unknown[] }[];
    assert.deepEqual(callers.map(({ from, fromRanges }) => [from.name, fromRanges.length]), [['fill', 1]]);
    const callees = (await ask('callees', at(2, 17))).result as { to: { name: string }; askedUri: string }[];
    assert.deepEqual(callees.map(({ to, askedUri }) => [to.name, askedUri]), [['Cart', file('shop.ts')], ['add', file('shop.ts')]]);
  });

  it('proposes a rename and changes nothing', async () => {
    const before = readFileSync(Uri.joinPath(folder, 'shop.ts').fsPath, 'utf8');
    const [edit] = (await ask('rename', { uri: file('cart.ts'), ...at(0, 14), query: 'Basket' })).result as { changes: Record<string, unknown[]> }[];
    assert.deepEqual(Object.entries(edit?.changes ?? {}).map(([uri, each]) => [uri, each.length]).sort(), [[file('cart.ts'), 1], [file('shop.ts'), 3]]);
    assert.equal(readFileSync(Uri.joinPath(folder, 'shop.ts').fsPath, 'utf8'), before);
    assert.equal(workspace.textDocuments.some(({ isDirty }) => isDirty), false);
  });

  it('tells diagnostics of what is open in a tab, and that it is only that', async () => {
    assert.equal((await ask('diagnostics')).diagnosticsScope, 'open');
    await window.showTextDocument(Uri.parse(file('shop.ts')));
    let answer = await ask('diagnostics');
    while (answer.result.length === 0) answer = await ask('diagnostics');
    assert.match(JSON.stringify(answer.result), /"severity":1,"message":"Type 'string' is not assignable to type 'number'/);
    assert.equal(answer.diagnosticsScope, null);
    assert.equal((await ask('codeActions', at(8, 15))).status, 'ready');
  });

  it('forgets with every change, in the editor and by other hands', async () => {
    const used = (): Promise<HostAnswer> => ask('references', { uri: file('cart.ts'), ...at(2, 3) });
    // Kept, once the file of this very report has come to rest.
    await until(async () => (await used()).ms === 0, () => 'is kept');
    const edit = new WorkspaceEdit();
    edit.insert(Uri.parse(file('shop.ts')), new Position(8, 0), "new Cart().add('y');\n");
    await workspace.applyEdit(edit);
    assert.equal((await used()).result.length, 3);
    await commands.executeCommand('workbench.action.files.revert');
    appendFileSync(Uri.joinPath(folder, 'cart.ts').fsPath, "new Cart().add('z');\n");
    let answer = await used();
    await until(async () => places(answer = await used()).includes('cart.ts:6:11'), () => places(answer).join());
    assert.equal(answer.result.length, 3);
  });

  it('looks at files too that the project leaves out, when they are named', async () => {
    const beyond = file('beyond/user.ts');
    mkdirSync(Uri.joinPath(folder, 'beyond').fsPath);
    writeFileSync(Uri.parse(beyond).fsPath, "import { Cart } from '../cart';\nnew Cart().add('beyond');\n");
    const used = async (also: string[]): Promise<string[]> => places(await ask('references', { uri: file('cart.ts'), ...at(2, 3), also }));
    assert.equal((await used([])).includes('user.ts:1:11'), false);
    assert.equal((await used([beyond, file('gone.ts')])).includes('user.ts:1:11'), true);
    rmSync(Uri.joinPath(folder, 'beyond').fsPath, { recursive: true });
  });

  it('says what nobody handles, at once', async () => {
    const answer = await ask('definition', { uri: file('app.py'), ...at(3, 5) });
    assert.deepEqual([answer.status, answer.result], ['unsupported', []]);
    assert.ok(answer.ms < 5_000);
  });

  it('believes an empty answer of an extension that is awake', async () => {
    const answer = await ask('definition', at(1, 0));
    assert.deepEqual([answer.status, answer.result], ['ready', []]);
    assert.ok(answer.ms < 5_000);
  });

  it('gives no more than it is asked for, and says so', async () => {
    const answer = await ask('references', { uri: file('cart.ts'), ...at(0, 14), limit: 2 });
    assert.deepEqual([answer.result.length, answer.truncated], [2, true]);
  });

  it('does not look outside the opened folder', async () => {
    writeFileSync('/tmp/sidecar-outside.ts', 'export const canary = 1;\n');
    const answer = (await ask('documentSymbols', { uri: 'file:///tmp/sidecar-outside.ts' })) as unknown as { refused: string };
    assert.match(answer.refused, /outside the opened folders/);
    unlinkSync('/tmp/sidecar-outside.ts');
  });

  it('hands on why an extension refuses', async () => {
    const answer = (await ask('rename', { ...at(4, 5), query: 'x' })) as unknown as { refused: string };
    assert.match(answer.refused, /cannot rename|No result/i);
  });

  it('keeps to its deadline', async () => {
    const answer = await ask('references', { uri: file('cart.ts'), ...at(1, 12), deadlineMs: 1 });
    assert.equal(answer.status, 'warming');
    assert.deepEqual(answer.result, []);
  });

  it('knows which languages are handled', async () => {
    const found = (await ask('languages', { uri: null })).result as { id: string; extensions: string[] }[];
    assert.deepEqual(found.find(({ id }) => id === 'typescript')?.extensions, ['vscode.typescript-language-features']);
    assert.equal(found.some(({ id }) => id === 'python'), false);
  });

  it('answers many at once', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => ask('hover', at(2 + (n % 4), 10 + n))));
    assert.equal(all.every(({ status }) => status === 'ready'), true);
  });
});
