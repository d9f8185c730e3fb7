/** Builders that fill in what a test does not care about. */

import type { CommentItem, FileItem, OutlineItem, ScopeItem, Status, ThreadItem, ThreadsChanged } from '../../src/protocol';

export const WORKING: ScopeItem = { kind: 'working', ref: '', title: 'Working tree' };

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
    rules: [],
    origin: 'risk',
    inRevision: null,
    ...changes,
  };
}

export function file(changes: Partial<FileItem> = {}): FileItem {
  const path = changes.path ?? 'app.py';
  return {
    path,
    oldPath: null,
    status: 'modified',
    added: 12,
    removed: 3,
    score: 0.62,
    band: 'high',
    why: '',
    uri: `file:///w/${path}`,
    oldUri: `sidecar-revision:/w/${path}?0123`,
    newUri: `file:///w/${path}`,
    hunks: [],
    ...changes,
  };
}

export function outline(files: readonly FileItem[] = [file()]): OutlineItem {
  return { revision: 1, scope: WORKING, root: 'file:///w', score: 0.62, band: 'high', files };
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
    scope: WORKING,
    revision: 1,
    ...changes,
  };
}
