/** Shows a commit's changes, with what VS Code's own git extension knows. */

import { type Uri, commands, extensions } from 'vscode';

interface Change {
  readonly uri: Uri;
  readonly originalUri: Uri;
  readonly renameUri: Uri | undefined;
}

interface Repository {
  getCommit(ref: string): Promise<{ readonly hash: string; readonly message: string; readonly parents: readonly string[] }>;
  diffBetween(one: string, other: string): Promise<readonly Change[]>;
}

interface GitApi {
  getRepository(uri: Uri): Repository | null;
  toGitUri(uri: Uri, ref: string): Uri;
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Opens all changes of a commit in one editor; `near` is a file of its repository. Rejects with a sentence. */
export async function showCommit(commit: string, near: Uri): Promise<void> {
  const extension = extensions.getExtension<{ getAPI(version: 1): GitApi }>('vscode.git');
  const git = extension && (await extension.activate()).getAPI(1);
  const repository = git?.getRepository(near);
  if (!repository) throw new Error(`The editor's git extension does not know this repository; see the commit with \`git show ${commit}\`.`);
  const { hash, message, parents } = await repository.getCommit(commit);
  const before = parents[0] ?? EMPTY_TREE;
  const changes = await repository.diffBetween(before, hash);
  const rows = changes.map(({ uri, originalUri, renameUri }) => [uri, git?.toGitUri(originalUri, before), git?.toGitUri(renameUri ?? uri, hash)]);
  const title = `${hash.slice(0, 7)} ${message.split('\n')[0] ?? ''}`;
  await commands.executeCommand('vscode.changes', title, rows);
}
