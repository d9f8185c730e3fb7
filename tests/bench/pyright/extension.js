// Python in the rig's editor, for the accuracy bench: VS Code's own language client starts basedpyright's server, with the
// settings that its own extension has by default.

const { LanguageClient } = require('vscode-languageclient/node');

// The Python that it finds is the bench's own, as for the truth: an editor's server begins with the PATH of a login shell.
const server = { command: process.env.BENCH_PYRIGHT, args: ['--stdio'], options: { env: { ...process.env, PATH: process.env.BENCH_PATH } } };
const client = new LanguageClient('basedpyright', server, { documentSelector: [{ scheme: 'file', language: 'python' }] });

exports.activate = () => client.start();
exports.deactivate = () => client.stop();
