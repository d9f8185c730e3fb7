// Python in the rig's editor, for the accuracy bench: VS Code's own language client starts basedpyright's server, with the
// settings that its own extension has by default.

const { LanguageClient } = require('vscode-languageclient/node');

const server = { command: process.env.BENCH_PYRIGHT, args: ['--stdio'] };
const client = new LanguageClient('basedpyright', server, { documentSelector: [{ scheme: 'file', language: 'python' }] });

exports.activate = () => client.start();
exports.deactivate = () => client.stop();
