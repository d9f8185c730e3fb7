/** Wires the parts and owns what must be disposed of. */

import { type Disposable, type Event, EventEmitter, type ExtensionContext, Uri, workspace } from 'vscode';

import { Claude } from './claude';
import { follow } from './companion';
import { Threads } from './comments';
import { Critiques } from './critique';
import { Dashboards } from './dashboard';
import { Fleet } from './fleet';
import { registerCommands } from './handlers';
import { RiskLenses } from './lens';
import { Log } from './log';
import { Proposals } from './proposals';
import type { ThreadItem } from './protocol';
import { Provision } from './provision';
import { Revisions } from './revision';
import { ReviewView } from './reviewview';
import { isKeyed, secretName } from './settings';
import { StatusItem } from './status';
import { type Row, countAbove, rowsOf } from './tree';
import { Visits } from './visits';
import type { View } from './words';

/** What other extensions, and our own tests, may see. */
export interface SidecarApi {
  readonly view: () => View;
  readonly threads: () => readonly ThreadItem[];
  /** The rows of the view "Review", and the number on its badge. */
  readonly rows: () => readonly Row[];
  readonly badge: () => number;
  /** Fires after each change of what these give. */
  readonly onChange: Event<void>;
}

let stop: (() => Promise<void>) | undefined;

export function activate(context: ExtensionContext): SidecarApi {
  const log = new Log();
  const provision = new Provision(context, log, () => { fleet.say('preparing'); });
  const fleet = new Fleet(context, log, provision);
  const threads = new Threads(fleet, Uri.joinPath(context.extensionUri, 'media'), () => ({ minimumBand: 'low', expand: fleet.of()?.settings.expand ?? 'high' }));
  const proposals = new Proposals(fleet, threads, log);
  const claude = new Claude((uri) => fleet.of(uri)?.terminals);
  const critiques = new Critiques(() => fleet.of()?.server);
  const dashboards = new Dashboards();
  const status = new StatusItem();
  const view = new ReviewView();
  const revisions = new Revisions(fleet);
  const lenses = new RiskLenses(fleet);
  const changed = new EventEmitter<void>();
  const order = (): 'risk' | 'position' => fleet.of()?.settings.order ?? 'risk';
  const show = (): void => {
    status.tell(fleet.of()?.hooks.words ?? '');
    if (fleet.of()) status.show(fleet.view);
    else status.hide();
    view.show(fleet.views(), order(), fleet.view);
    revisions.refresh();
    lenses.follow();
    changed.fire();
  };
  const subscriptions: Disposable[] = [
    fleet.onThreads((change) => { threads.apply(change); }),
    fleet.onChange(show),
    workspace.onDidChangeConfiguration((event) => { if (event.affectsConfiguration('sidecar')) fleet.reconfigure(); }),
    workspace.onDidGrantWorkspaceTrust(() => {
      threads.apply({ revision: 0, upserts: [], removes: [], full: true }); // those that come next can be answered
      fleet.each((folder) => { folder.furnish(); folder.begin(); });
    }),
    follow(fleet),
    context.secrets.onDidChange(({ key }) => {
      fleet.each((folder) => { if (isKeyed(folder.settings.provider) && key === secretName(folder.settings.provider)) folder.begin(); });
    }),
    ...registerCommands({ context, log, fleet, threads, proposals, critiques, dashboards, claude, provision, visits: new Visits(fleet, threads, view) }),
  ];
  context.subscriptions.push(...subscriptions, claude, critiques, dashboards, proposals, threads, status, view, revisions, lenses, fleet, changed, log);
  stop = () => fleet.stop();
  show();
  return {
    view: () => fleet.view,
    threads: () => threads.items(),
    rows: () => rowsOf(fleet.views(), order()),
    badge: () => countAbove(fleet.views()),
    onChange: changed.event,
  };
}

export function deactivate(): Promise<void> | undefined {
  return stop?.();
}
