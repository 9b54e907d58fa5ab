import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { ModuleFailure, ModuleReply, ModuleRequest } from '../../../src/boundary/module-protocol.js';
import type { PreparedCode } from '../../../src/workspace/workspace.service.js';
import type { ModuleProgram } from './module-runner-main.js';

/** How a program ended. */
export interface ModuleRun {
  value?: unknown;
  loadMs?: number;
  error?: { name: string; message: string; stack: string; code?: string; failure?: ModuleFailure };
  /** What the runner had to ask for. */
  requests: ModuleRequest[];
}

type Message =
  | { type: 'request'; request: ModuleRequest }
  | { type: 'done'; value: unknown; loadMs: number }
  | { type: 'failed'; error: NonNullable<ModuleRun['error']> };

/** Runs prepared code in a bare process with the import hook and nothing else of the runner. */
export class ModuleRunner {
  private constructor(
    private readonly folder: string,
    private readonly bundle: string,
  ) {}

  static async build(): Promise<ModuleRunner> {
    const folder = await mkdtemp(join(tmpdir(), 'bifrost-module-runner-'));
    const bundle = join(folder, 'runner.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('./module-runner-main.ts', import.meta.url))],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node26',
      logLevel: 'silent',
    });
    return new ModuleRunner(folder, bundle);
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async run(prepared: PreparedCode, rootUrl: string, packagesDir: string | null = null): Promise<ModuleRun> {
    if (!prepared.ok) throw new Error(`not prepared: ${prepared.failure.message}`);
    const child = spawn(process.execPath, [this.bundle], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: {},
    });
    const channel = child.stdio[3] as Duplex;
    const send = (message: ModuleProgram | ModuleReply): void => {
      channel.write(`${JSON.stringify(message)}\n`);
    };
    const { entryUrl, modules } = prepared;
    send({ rootUrl, packagesDir, entryUrl, modules });
    const requests: ModuleRequest[] = [];
    try {
      for await (const line of createInterface({ input: channel })) {
        const message = JSON.parse(line) as Message;
        if (message.type === 'failed') return { error: message.error, requests };
        if (message.type === 'done') return { value: message.value, loadMs: message.loadMs, requests };
        requests.push(message.request);
        send(await prepared.answer(message.request));
      }
      throw new Error('the runner ended without a word');
    } finally {
      child.kill('SIGKILL');
    }
  }
}
