// Packs dist/claude-sidecar.vsix. Run `build.mjs --production` and `bundle.mjs` before.
//   node scripts/package.mjs [--without-server]
import { copyFileSync, existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVSIX } from '@vscode/vsce';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
if (!existsSync(join(root, 'bundled/manifest.json')) && !process.argv.includes('--without-server')) {
  console.error('bundled/ is empty: run "npm run bundle -- WHEEL RUN.LOCK" first (or package --without-server).');
  process.exit(1);
}

// vsce wants the licence beside package.json; the project has it once, above.
const licence = join(root, 'LICENSE');
copyFileSync(join(root, '../LICENSE'), licence);
const packagePath = join(root, 'dist/claude-sidecar.vsix');
try {
  await createVSIX({ cwd: root, packagePath, dependencies: false, allowMissingRepository: true });
} finally {
  rmSync(licence, { force: true });
}
console.log(`${packagePath} (${Math.round(statSync(packagePath).size / 1024)} KB)`);
