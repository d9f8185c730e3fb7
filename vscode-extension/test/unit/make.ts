/** Builders that fill in what a test does not care about. */

import type { CommentItem, Status, ThreadItem, ThreadsChanged } from '../../src/protocol';

export function comment(changes: Partial<CommentItem> = {}): CommentItem {
  return { id: 'c1', author: 'sidecar', name: 'Sidecar', body: 'Look here.', created: 1_790_000_000, partial: false, suggestion: false, evidence: [], ...changes };
}

export function thread(changes: Partial<ThreadItem> = {}): ThreadItem {
  return {
    id: 't1',
    uri: 'file:///w/app.py',
    startLine: 4,
    endLine: 6,
    state: 'open',
    outdated: false,
    band: 'high',
    score: 0.62,
    title: 'Nine earlier fixes',
    comments: [comment()],
    revision: 1,
    ...changes,
  };
}

export function changed(changes: Partial<ThreadsChanged> = {}): ThreadsChanged {
  return { revision: 1, upserts: [], removes: [], full: false, ...changes };
}

export function status(changes: Partial<Status> = {}): Status {
  return {
    state: 'ready',
    provider: 'databricks',
    port: 21_000,
    requestedPort: 21_000,
    baseUrl: 'http://127.0.0.1:21000',
    version: '0.1.0',
    workspace: '/w',
    message: '',
    companionPort: 21_001,
    score: 0.62,
    band: 'high',
    openThreads: 2,
    ...changes,
  };
}
