/** The part of the protocol in which the server asks the editor: the types of `sidecar/host/query`, as in `protocol.ts`. */

/** A place in a document: line and UTF-16 unit, both from 0. */
export interface HostPosition {
  readonly line: number;
  readonly character: number;
}

/** A question to the editor's own languages: about a place, a document, or (`query`) a name. */
export interface HostQuery {
  readonly what:
    | 'definition'
    | 'typeDefinition'
    | 'implementation'
    | 'references'
    | 'hover'
    | 'documentSymbols'
    | 'workspaceSymbols'
    | 'callers'
    | 'callees'
    | 'rename'
    | 'diagnostics'
    | 'codeActions'
    | 'languages';
  readonly uri: string | null;
  readonly position: HostPosition | null;
  readonly query: string;
  readonly deadlineMs: number;
  readonly limit: number;
  readonly also: readonly string[];
}

/** What they say; `result` has the form that LSP gives this question's answer, as a list in every case. */
export interface HostAnswer {
  readonly status: 'ready' | 'warming' | 'partial' | 'unsupported';
  readonly result: readonly unknown[];
  readonly truncated: boolean;
  readonly provider: string;
  readonly version?: number | null;
  readonly ms: number;
  readonly diagnosticsScope?: 'open' | null;
}
