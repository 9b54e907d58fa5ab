import { readSync, writeSync } from 'node:fs';
import { setSourceMapsSupport } from 'node:module';
import type { ModuleReply } from '../../../src/boundary/module-protocol.js';
import type { ShippedModule } from '../../../src/boundary/shipped-module.js';
import { installImportHook } from '../../../src/runner/modules/import-hook.js';

/** The commands of a {@link ModuleRunner}. */
export interface ModuleProgram {
  rootUrl: string;
  packagesDir: string | null;
  entryUrl: string;
  modules: ShippedModule[];
}

const FD = 3;

function readLine(): string {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(65_536);
    const bytes = readSync(FD, chunk, 0, chunk.length, null);
    if (bytes === 0) process.exit(2);
    chunks.push(chunk.subarray(0, bytes));
    if (chunk[bytes - 1] === 10) return Buffer.concat(chunks).toString();
  }
}

function say(message: unknown): void {
  let rest = Buffer.from(`${JSON.stringify(message)}\n`);
  while (rest.length > 0) rest = rest.subarray(writeSync(FD, rest));
}

const program = JSON.parse(readLine()) as ModuleProgram;
setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
const startedAt = performance.now();
const hook = installImportHook({
  rootUrl: program.rootUrl,
  modules: program.modules,
  packagesDir: program.packagesDir,
  requestModule(request) {
    say({ type: 'request', request });
    return JSON.parse(readLine()) as ModuleReply;
  },
});

try {
  const namespace = (await import(program.entryUrl)) as { default?: unknown };
  const loadMs = performance.now() - startedAt;
  const { default: exported } = namespace;
  const value: unknown = await (typeof exported === 'function' ? (exported as () => unknown)() : exported);
  say({ type: 'done', value, loadMs });
} catch (thrown) {
  const error = thrown as NodeJS.ErrnoException;
  const { name, message, stack, code } = error;
  say({ type: 'failed', error: { name, message, stack, code, failure: hook.failureOf(thrown) } });
}
