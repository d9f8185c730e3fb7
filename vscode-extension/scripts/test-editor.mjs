// Runs the tests of test/editor inside the extension host of a real editor. Needs the environment of the rig (rig.env).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser, openWorkbench, prepare, startEditor } from '../../tests/rig/driver.mjs';

const extension = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), 'sidecar-editor-'));
const folder = join(scratch, 'orders');
const report = join(folder, 'report.txt');

const before = '"""Orders."""\n\n\ndef total(orders):\n    try:\n        return sum(o.price for o in orders)\n    except TypeError:\n        return 0\n\n\n\n\nRETRIES = 3\n';
const after = before.replace('o.price', 'o.price * o.count').replace('TypeError', 'Exception').replace('3', '5');
const git = (...args) => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: folder, stdio: 'ignore' });
execFileSync('git', ['init', '--quiet', folder]);
writeFileSync(join(folder, 'app.py'), before);
writeFileSync(join(folder, 'tsconfig.json'), '{ "compilerOptions": { "strict": true }, "include": ["*.ts"] }');
writeFileSync(join(folder, 'cart.ts'), "export class Cart {\n  readonly items: string[] = [];\n  add(item: string): void {\n    this.items.push(item);\n  }\n}\n");
writeFileSync(join(folder, 'shop.ts'), "import { Cart } from './cart';\n\nexport function fill(): Cart {\n  const cart = new Cart();\n  /* 😀 */ cart.add('x');\n  return cart;\n}\n\nexport const wrong: number = 'text';\n");
git('add', '.');
git('commit', '--quiet', '--message', 'first');
writeFileSync(join(folder, 'app.py'), after);

const home = join(scratch, 'home');
prepare(home, { 'sidecar.command': [process.execPath, join(extension, 'test/editor/fixtures/server.mjs')] });
const editor = await startEditor(home, { SCRIPT_SAYS: 'from the shell' });
const browser = await openBrowser();
let code;
try {
  const page = await openWorkbench(browser, editor.base, folder, { tests: { extension, module: join(extension, 'out/editor/index') } });
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error('the tests did not finish in four minutes')), 240_000).unref());
  code = await Promise.race([page.testExit, late]);
} finally {
  await browser.close();
  await editor.stop();
  console.log(existsSync(report) ? readFileSync(report, 'utf8').trimEnd() : 'no test ran');
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = code ?? 1;
