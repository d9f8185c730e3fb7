// Puts the server into the extension: its wheel, the hashed list of what it needs, and a manifest with a digest of both.
//   node scripts/bundle.mjs WHEEL RUN.LOCK      (WHEEL may be the folder that holds it)
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [place, lock] = process.argv.slice(2);
if (!place || !lock || !existsSync(place) || !existsSync(lock)) {
  console.error('Usage: node scripts/bundle.mjs WHEEL RUN.LOCK');
  process.exit(2);
}
const wheel = statSync(place).isDirectory() ? onlyWheel(place) : place;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
if (!basename(wheel).startsWith(`claude_sidecar-${version}-`)) {
  console.error(`The wheel ${basename(wheel)} is not of the extension's version ${version}: they are released together.`);
  process.exit(1);
}

const target = join(root, 'bundled');
rmSync(target, { recursive: true, force: true });
mkdirSync(target);
const digest = createHash('sha256');
for (const [from, to] of [[wheel, basename(wheel)], [lock, 'run.lock']]) {
  copyFileSync(from, join(target, to));
  digest.update(readFileSync(from));
}
const manifest = { wheel: basename(wheel), lock: 'run.lock', digest: digest.digest('hex') };
writeFileSync(join(target, 'manifest.json'), JSON.stringify(manifest, null, 2) + '\n');
console.log(`bundled ${manifest.wheel}`);

function onlyWheel(folder) {
  const wheels = readdirSync(folder).filter((name) => name.endsWith('.whl'));
  if (wheels.length === 1) return join(folder, wheels[0]);
  console.error(`${folder} must hold exactly one wheel, but holds ${wheels.length}.`);
  process.exit(1);
}
