/**
 * The dashboard in a panel of the editor: the server's own page, whose questions go over the language server.
 *
 * No HTTP and no token is needed here, and it works wherever the extension host runs (Remote-SSH, containers,
 * code-server), where the browser cannot reach the endpoint's loopback address.
 */

import { randomBytes } from 'node:crypto';
import { type Disposable, type WebviewPanel, ViewColumn, window } from 'vscode';

import type { Folder } from './folder';
import { reason } from './log';
import { failedPage, panelPage } from './panelpage';

interface Question {
  readonly id: number;
  readonly target: string;
}

export class Dashboards implements Disposable {
  private readonly panels = new Map<string, WebviewPanel>();

  /** Shows a folder's dashboard: the panel that is there already, or a new one. */
  async show(folder: Folder): Promise<void> {
    const shown = this.panels.get(folder.key);
    if (shown) {
      shown.reveal();
      return;
    }
    const panel = window.createWebviewPanel('sidecar.dashboard', `Dashboard: ${folder.folder.name}`, ViewColumn.Active, {
      enableScripts: true,
      enableFindWidget: true,
      localResourceRoots: [],
      enableCommandUris: false,
    });
    this.panels.set(folder.key, panel);
    panel.onDidDispose(() => this.panels.delete(folder.key));
    panel.webview.onDidReceiveMessage((message: unknown) => {
      if (isQuestion(message)) void answer(folder, panel, message);
    });
    try {
      const [html, css, js] = await Promise.all(['', '/style.css', '/app.js'].map(async (name) => (await folder.server.ask('sidecar/dashboard', { target: `/dashboard${name}` })).text));
      panel.webview.html = panelPage(html ?? '', css ?? '', js ?? '', randomBytes(16).toString('hex'));
    } catch (error) {
      panel.webview.html = failedPage(reason(error));
    }
  }

  dispose(): void {
    for (const panel of [...this.panels.values()]) panel.dispose();
  }
}

/** The server itself says which addresses there are; the page may name those of figures only. */
async function answer(folder: Folder, panel: WebviewPanel, { id, target }: Question): Promise<void> {
  try {
    if (!target.startsWith('/api/')) throw new Error('The dashboard asks for figures only.');
    const { text } = await folder.server.ask('sidecar/dashboard', { target });
    await panel.webview.postMessage({ id, text });
  } catch (error) {
    await panel.webview.postMessage({ id, error: reason(error) });
  }
}

function isQuestion(message: unknown): message is Question {
  const { id, target } = (message ?? {}) as Partial<Question>;
  return typeof id === 'number' && typeof target === 'string';
}
