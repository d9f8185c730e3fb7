// Bundles the extension (and, when asked, its tests) with esbuild.
//   node scripts/build.mjs [--production | --unit | --editor]
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const mode = process.argv[2] ?? '';
const common = { absWorkingDir: root, bundle: true, platform: 'node', target: 'node20.19', logLevel: 'warning' };

if (mode === '--unit') {
  rmSync(join(root, 'out/unit'), { recursive: true, force: true });
  const entryPoints = readdirSync(join(root, 'test/unit')).filter((f) => f.endsWith('.test.ts')).map((f) => `test/unit/${f}`);
  await build({ ...common, entryPoints, outdir: 'out/unit', outExtension: { '.js': '.mjs' }, format: 'esm', external: ['typescript'], sourcemap: 'inline' });
} else {
  await buildExtension(mode === '--production');
  if (mode === '--editor') await buildEditorTests();
}

async function buildExtension(production) {
  mkdirSync(join(root, 'dist'), { recursive: true });
  const { metafile } = await build({
    ...common,
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.js',
    format: 'cjs',
    external: ['vscode'],
    minify: production,
    sourcemap: production ? false : 'inline',
    metafile: true,
  });
  writeFileSync(join(root, 'dist/THIRD-PARTY-NOTICES.txt'), notices(metafile));
}

async function buildEditorTests() {
  rmSync(join(root, 'out/editor'), { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: ['test/editor/index.ts'],
    outfile: 'out/editor/index.js',
    format: 'cjs',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
  });
}

/** The licences of everything that went into the bundle. */
function notices(metafile) {
  const packages = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[1]);
  }
  const texts = [...packages].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((f) => /^licen[cs]e/i.test(f));
    const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : `Licence: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  return ['The extension contains these packages.\n', ...texts].join('\n' + '-'.repeat(80) + '\n\n');
}
