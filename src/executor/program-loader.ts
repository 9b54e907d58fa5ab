import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ExecutionSource } from '../contract/execution.js';
import { Refusal } from '../contract/refusal.js';
import type { ExecuteCommand } from '../contract/runner-protocol.js';
import { moduleUrl, workspaceRootUrl } from '../lib/workspace-url.js';
import { Compiler } from '../workspace/compiler.js';

/** Code that a runner can load. */
export type Program = Pick<ExecuteCommand, 'entry' | 'modules' | 'provideRequire'>;

const INLINE_PATH = 'inline.ts';

/** Compiles the code of an execution. */
@Injectable()
export class ProgramLoader implements OnApplicationShutdown {
  private readonly compiler = new Compiler();

  async load(source: ExecutionSource): Promise<Program> {
    if (source.kind === 'module') {
      throw new Refusal('MODULE_NOT_FOUND', `${source.path} is not in the workspace`, 'file_path');
    }
    const compiled = await this.compiler.compile(INLINE_PATH, source.code);
    const url = moduleUrl(workspaceRootUrl(), INLINE_PATH);
    return {
      entry: url,
      modules: [{ url, format: compiled.format, source: compiled.source }],
      provideRequire: compiled.usesRequire,
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.compiler.stop();
  }
}
