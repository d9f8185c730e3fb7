/** The extension in a real editor, with the scripted server of `fixtures/` in the server's place. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import {
  ConfigurationTarget,
  DocumentSymbol,
  type Event,
  type Extension,
  Range,
  SymbolKind,
  Uri,
  commands,
  extensions,
  languages,
  window,
  workspace,
} from 'vscode';

import { derivePort } from '../../src/address';
import { COMMANDS } from '../../src/commands';
import type { SidecarApi } from '../../src/extension';
import type { ThreadItem } from '../../src/protocol';

const folder = workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
const settings = (): ReturnType<typeof workspace.getConfiguration> => workspace.getConfiguration('sidecar');
let api: SidecarApi;

/** Waits until something holds, looking again at each event. */
function until(holds: () => boolean, event: Event<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const subscription = event(() => {
      if (!holds()) return;
      subscription.dispose();
      resolve();
    });
    if (!holds()) return;
    subscription.dispose();
    resolve();
  });
}

const thread = (id: string): ThreadItem => {
  const item = api.threads().find((each) => each.id === id);
  assert.ok(item, `no thread ${id}`);
  return item;
};
const running = (): Promise<void> => until(() => api.view().status?.state === 'ready' && api.threads().length > 0, api.onChange);

/** Changes a setting and puts it back afterwards. */
async function withSetting(name: string, value: unknown, act: () => Promise<void>): Promise<void> {
  const before = settings().inspect(name)?.globalValue;
  await settings().update(name, value, ConfigurationTarget.Global);
  try {
    await act();
  } finally {
    await settings().update(name, before, ConfigurationTarget.Global);
  }
}

/** The environment that a terminal opened now would give to a program. */
async function terminalEnvironment(name: string): Promise<ReadonlyMap<string, string>> {
  const file = `${folder}/${name}.env`;
  const terminal = window.createTerminal({ shellPath: '/bin/sh', shellArgs: ['-c', `env > ${file}.part && mv ${file}.part ${file}; sleep 30`] });
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
  terminal.dispose();
  return new Map(readFileSync(file, 'utf8').split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

before(async () => {
  const extension: Extension<SidecarApi> | undefined = extensions.getExtension('claude-sidecar.claude-sidecar');
  assert.ok(extension);
  api = await extension.activate();
  await running();
});

describe('the start', () => {
  it('tells the provider, and the port that belongs to the folder', () => {
    const { status } = api.view();
    assert.equal(status?.provider, 'offline');
    assert.equal(status.port, derivePort(folder));
    assert.equal(status.workspace, folder);
  });

  it("hands the user's environment on to the server", () => {
    assert.equal(api.view().status?.message, 'from the shell');
  });

  it('registers every command of the table', async () => {
    const known = new Set(await commands.getCommands(true));
    assert.deepEqual(Object.keys(COMMANDS).filter((id) => !known.has(id)), []);
  });

  it('points the Claude Code CLI of new terminals to the server, and switches nothing of it off', async () => {
    const environment = await terminalEnvironment('plain');
    assert.equal(environment.get('ANTHROPIC_BASE_URL'), `http://127.0.0.1:${derivePort(folder)}`);
    assert.match(environment.get('ANTHROPIC_AUTH_TOKEN') ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual([...environment.keys()].filter((name) => /^(DISABLE_|CLAUDE_CODE_DISABLE)/.test(name)), []);
  });
});

describe('threads', () => {
  it('are those of the snapshot', () => {
    assert.deepEqual(api.threads().map(({ id, state }) => [id, state]), [['t1', 'open'], ['t2', 'open']]);
  });

  it('take a reply and show its answer', async () => {
    await commands.executeCommand('sidecar.thread.reply', { thread: 't1', text: 'Why?' });
    assert.deepEqual(thread('t1').comments.map(({ author }) => author), ['sidecar', 'user', 'model']);
    assert.equal(thread('t1').comments[1]?.body, 'Why?');
  });

  it('ignore an empty reply', async () => {
    await commands.executeCommand('sidecar.thread.reply', { thread: 't1', text: '  ' });
    assert.equal(thread('t1').comments.length, 3);
  });

  it('keep what they had when the server refuses a reply', async () => {
    void commands.executeCommand('sidecar.thread.reply', { thread: 't1', text: 'refuse' });
    await commands.executeCommand('sidecar.review');
    assert.equal(thread('t1').comments.length, 3);
  });

  it('follow what the server tells unasked', async () => {
    await commands.executeCommand('sidecar.review');
    await until(() => thread('t2').outdated, api.onChange);
  });

  it('are resolved and opened again', async () => {
    await commands.executeCommand('sidecar.thread.resolve', 't2');
    assert.equal(thread('t2').state, 'resolved');
    await until(() => api.view().status?.openThreads === 1, api.onChange);
    await commands.executeCommand('sidecar.thread.unresolve', 't2');
    assert.equal(thread('t2').state, 'open');
  });

  it('are visited one after the other', async () => {
    const lines: number[] = [];
    for (const command of ['sidecar.nextRisk', 'sidecar.nextRisk', 'sidecar.nextRisk', 'sidecar.previousRisk']) {
      await commands.executeCommand(command);
      lines.push(window.activeTextEditor?.selection.active.line ?? -1);
    }
    assert.deepEqual(lines, [4, 12, 4, 12]);
  });

  it('under the floor vanish while it is set', async () => {
    await withSetting('review.minimumBand', 'high', () => until(() => api.threads().length === 1, api.onChange));
    await until(() => api.threads().length === 2, api.onChange);
  });
});

describe('the view "Review"', () => {
  it('lists the change by risk, with its threads, and counts them', async () => {
    await until(() => api.rows().length > 0 && api.badge() === 2, api.onChange);
    const [row] = api.rows();
    assert.deepEqual([row?.label, row?.band, row?.children.map(({ kind }) => kind)], ['app.py', 'high', ['thread', 'thread']]);
  });

  it('goes to a thread, resolves it and opens it again', async () => {
    const [row] = api.rows();
    const [first] = row?.children ?? [];
    await commands.executeCommand('sidecar.thread.goTo', first);
    assert.equal(window.activeTextEditor?.selection.active.line, 4);
    await commands.executeCommand('sidecar.thread.resolve', first);
    await until(() => api.badge() === 1, api.onChange);
    await commands.executeCommand('sidecar.thread.unresolve', first);
    await until(() => api.badge() === 2, api.onChange);
  });

  it('does nothing to the thread at the cursor where a menu no longer knows its row', async () => {
    const at = api.threads().find(({ startLine }) => startLine === window.activeTextEditor?.selection.active.line);
    assert.ok(at);
    await commands.executeCommand('sidecar.thread.resolve', undefined, undefined);
    assert.equal(thread(at.id).state, 'open');
    await commands.executeCommand('sidecar.thread.resolve');
    assert.equal(thread(at.id).state, 'resolved');
    await commands.executeCommand('sidecar.thread.unresolve');
    await until(() => api.badge() === 2, api.onChange);
  });

  it('opens a file, and what it was beside it', async () => {
    const [row] = api.rows();
    await commands.executeCommand('sidecar.change.open', row);
    assert.equal(window.activeTextEditor?.document.uri.fsPath, `${folder}/app.py`);
    await commands.executeCommand('sidecar.change.diff', row);
    const before = workspace.textDocuments.find(({ uri }) => uri.scheme === 'sidecar-revision');
    assert.equal(before?.getText(), 'the text of none\n');
  });
});

describe('code lenses', () => {
  const lensesOf = (): Thenable<readonly { readonly command?: { readonly title: string } }[]> =>
    commands.executeCommand('vscode.executeCodeLensProvider', Uri.file(`${folder}/app.py`));

  it('are not there unless they are wanted, and then only above what changed', async () => {
    const symbol = (name: string, first: number, last: number): DocumentSymbol =>
      new DocumentSymbol(name, '', SymbolKind.Function, new Range(first, 0, last, 0), new Range(first, 4, first, 9));
    const outline = languages.registerDocumentSymbolProvider({ language: 'python' }, { provideDocumentSymbols: () => [symbol('total', 3, 7), symbol('calm', 10, 11)] });
    assert.deepEqual(await lensesOf(), []);
    await withSetting('review.codeLens', true, async () => {
      let lenses = await lensesOf();
      while (lenses.length === 0) lenses = await lensesOf();
      assert.deepEqual(lenses.map(({ command }) => command?.title), ['$(shield) High risk: 62 of 100']);
    });
    outline.dispose();
  });
});

describe('the server', () => {
  it('is started again when it crashes, and the threads come back', async () => {
    void commands.executeCommand('sidecar.thread.reply', { thread: 't1', text: 'crash' });
    await until(() => api.view().phase === 'starting', api.onChange);
    await running();
    await until(() => thread('t1').comments.length === 1, api.onChange);
  });

  it('is restarted by the command, as often as it is given', async () => {
    await Promise.all([1, 2, 3].map(() => commands.executeCommand('sidecar.restart')));
    await running();
  });

  it('takes another provider and port from the settings, and terminals follow', async () => {
    await withSetting('provider', 'databricks', async () => {
      await withSetting('port', 28_123, async () => {
        await until(() => api.view().status?.port === 28_123 && api.view().status?.provider === 'databricks', api.onChange);
        assert.equal((await terminalEnvironment('port')).get('ANTHROPIC_BASE_URL'), 'http://127.0.0.1:28123');
      });
    });
    await until(() => api.view().status?.port === derivePort(folder), api.onChange);
  });

  it('may take another port than it was asked for, and terminals follow', async () => {
    await withSetting('model', 'moved', async () => {
      await until(() => api.view().status?.port === derivePort(folder) + 1, api.onChange);
      assert.equal((await terminalEnvironment('moved')).get('ANTHROPIC_BASE_URL'), `http://127.0.0.1:${derivePort(folder) + 1}`);
    });
    await until(() => api.view().status?.port === derivePort(folder), api.onChange);
    assert.equal((await terminalEnvironment('back')).get('ANTHROPIC_BASE_URL'), `http://127.0.0.1:${derivePort(folder)}`);
  });

  it('leaves terminals alone when that is wanted', async () => {
    await withSetting('terminal.enabled', false, async () => {
      assert.equal((await terminalEnvironment('off')).has('ANTHROPIC_BASE_URL'), false);
    });
  });

  it('that cannot be started is told, and comes when the setting is mended', async () => {
    await withSetting('command', ['/no/such/sidecar'], async () => {
      await until(() => api.view().phase === 'stopped', api.onChange);
      assert.match(api.view().note, /could not be started/);
    });
    await running();
  });
});
