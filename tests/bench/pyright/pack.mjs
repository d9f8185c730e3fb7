// Bundles and packs this folder's extension with the tools of vscode-extension/:  node pack.mjs OUTPUT.vsix

import { mkdtempSync, copyFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const ours = join(here, '../../../vscode-extension');
const require = createRequire(join(ours, 'package.json'));
const { build } = require('esbuild');
const { createVSIX } = await import(require.resolve('@vscode/vsce'));

const made = mkdtempSync(join(tmpdir(), 'bench-pyright-'));
copyFileSync(join(here, 'package.json'), join(made, 'package.json'));
await build({
  entryPoints: [join(here, 'extension.js')],
  outfile: join(made, 'dist.js'),
  bundle: true,
  platform: 'node',
  external: ['vscode'],
  nodePaths: [join(ours, 'node_modules')],
});
await createVSIX({ cwd: made, packagePath: resolve(process.argv[2]), dependencies: false, allowMissingRepository: true, skipLicense: true });
rmSync(made, { recursive: true });
