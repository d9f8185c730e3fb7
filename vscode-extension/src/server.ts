/** The server's process and the language client that speaks to it: start, stop, restart (one running, one waiting). */

import { type CancellationToken, type Disposable, EventEmitter, type WorkspaceFolder } from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';

import type { Hooks, Launch } from './client';
import { SetupProblem } from './environment';
import { Host } from './host';
import { type Log, reason } from './log';
import type { HostQuery } from './hostprotocol';
import type { Notifications, ProposalName, Requests, ShowParams, Status, ThreadsChanged } from './protocol';
import { Single } from './single';
import type { View } from './words';

const STOP_MS = 3_000;

/** A step of something that takes long. */
export interface ProgressStep {
  readonly message?: string;
  readonly percentage?: number;
}

export class Server implements Disposable {
  private client: LanguageClient | undefined;
  private readonly subscriptions: { dispose: () => unknown }[] = [];
  private readonly restarting = new Single(() => this.begin());
  private readonly viewed = new EventEmitter<View>();
  private readonly threads = new EventEmitter<ThreadsChanged>();
  private readonly opened = new EventEmitter<ProposalName>();
  private readonly closed = new EventEmitter<ProposalName>();
  private readonly shown = new EventEmitter<ShowParams>();
  private current: View = { phase: 'starting', note: '', status: undefined };
  private readonly host = new Host();
  private ended = false;

  /** Each change of what is known of the server. */
  readonly onView = this.viewed.event;
  /** Threads that the server sends; after each start everything there is. */
  readonly onThreads = this.threads.event;
  /** The assistant proposes an edit; it is settled, here or elsewhere; a file is to be shown. */
  readonly onProposal = this.opened.event;
  readonly onSettled = this.closed.event;
  readonly onShow = this.shown.event;

  constructor(
    private readonly folder: WorkspaceFolder,
    private readonly log: Log,
    private readonly launch: () => Promise<Launch>,
  ) {}

  get view(): View {
    return this.current;
  }

  /** The newest status; undefined while the server does not run. */
  get status(): Status | undefined {
    return this.current.status;
  }

  /** Says what the extension is at while no server runs. */
  say(phase: View['phase'], note = ''): void {
    this.update({ phase, note, status: phase === 'running' ? this.current.status : undefined });
  }

  /** Starts the server, or starts it anew. Calls that come while one runs share the next run. Never rejects. */
  restart(): Promise<void> {
    return this.restarting.run();
  }

  /** Stops the server, if it runs. */
  async stop(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    for (const each of this.subscriptions.splice(0)) each.dispose();
    if (!client?.needsStop()) return;
    await client.dispose(STOP_MS).catch((error: unknown) => {
      this.log.failure('The server did not stop in order', error);
    });
  }

  /** Asks the server. Rejects with a sentence for the user when it does not run or refuses. */
  async ask<M extends keyof Requests>(method: M, params: Requests[M]['params'], cancel?: CancellationToken): Promise<Requests[M]['result']> {
    if (!this.client?.isRunning()) throw new Error('Sidecar is not running. Use "Sidecar: Restart Server".');
    if (params === null) return this.client.sendRequest<Requests[M]['result']>(method);
    // An argument more, even an undefined one, would make the client send its parameters as a list.
    return cancel
      ? this.client.sendRequest<Requests[M]['result']>(method, params, cancel)
      : this.client.sendRequest<Requests[M]['result']>(method, params);
  }

  /** Hears how far a request is that carries this token, until the result is disposed of. */
  async progress(token: string, hear: (told: ProgressStep) => void): Promise<{ dispose: () => void }> {
    const { WorkDoneProgress } = await import('vscode-languageclient/node');
    const hearing = this.client?.onProgress(WorkDoneProgress.type, token, (step) => {
      if (step.kind === 'report') hear(step);
    });
    return {
      dispose: () => {
        hearing?.dispose();
      },
    };
  }

  /** Pulls all threads, which `onThreads` then tells. */
  async pull(): Promise<void> {
    const snapshot = await this.ask('sidecar/threads/snapshot', { sinceRevision: 0 });
    this.threads.fire({ ...snapshot, full: true });
  }

  dispose(): void {
    this.ended = true;
    void this.stop();
    this.host.dispose();
    this.viewed.dispose();
    for (const each of [this.threads, this.opened, this.closed, this.shown]) each.dispose();
  }

  private async begin(): Promise<void> {
    await this.stop();
    if (this.ended) return;
    try {
      this.say('starting');
      const launch = await this.launch();
      const client = await this.connect(launch);
      this.say('starting');
      this.log.info(`Starting ${[launch.command, ...launch.args].join(' ')}`);
      await client.start();
    } catch (error) {
      await this.stop();
      this.log.failure('The server could not be started', error);
      this.say('stopped', error instanceof SetupProblem ? error.message : `The server could not be started. ${reason(error)}`);
    }
  }

  private async connect(launch: Launch): Promise<LanguageClient> {
    const { createClient } = await import('./client');
    const client = createClient(launch, this.folder, this.log, {
      onState: (state) => {
        if (this.client === client) this.follow(state);
      },
      onEnd: (note) => {
        this.say('starting', note);
      },
    });
    this.client = client;
    this.subscriptions.push(
      client.onRequest('sidecar/host/query', (query: HostQuery, token: CancellationToken) => this.host.answer(query, token)),
      this.hear(client, 'sidecar/statusChanged', (status) => {
        this.update({ phase: 'running', note: '', status });
      }),
      this.hear(client, 'sidecar/threads/changed', (change) => {
        this.threads.fire(change);
      }),
      this.hear(client, 'sidecar/proposal/opened', (name) => {
        this.opened.fire(name);
      }),
      this.hear(client, 'sidecar/proposal/closed', (name) => {
        this.closed.fire(name);
      }),
      this.hear(client, 'sidecar/window/show', (place) => {
        this.shown.fire(place);
      }),
    );
    return client;
  }

  private hear<M extends keyof Notifications>(client: LanguageClient, method: M, then: (params: Notifications[M]) => void): { dispose: () => unknown } {
    return client.onNotification(method, (params: Notifications[M]) => {
      if (this.client === client) then(params);
    });
  }

  private follow(state: Parameters<Hooks['onState']>[0]): void {
    if (state === 'running') {
      this.update({ phase: 'running', note: '', status: undefined });
      this.greet().catch((error: unknown) => {
        this.log.failure('The server did not tell its state', error);
      });
    } else if (state === 'starting') {
      this.say('starting');
    } else {
      const what = state === 'failed' ? 'The server could not be started' : 'The server ended unexpectedly';
      this.say('stopped', `${what}; the log says why.`);
    }
  }

  private async greet(): Promise<void> {
    this.update({ phase: 'running', note: '', status: await this.ask('sidecar/status', null) });
    await this.pull();
  }

  private update(view: View): void {
    this.current = view;
    if (!this.ended) this.viewed.fire(view);
  }
}
