import { Module } from '@nestjs/common';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { workspaceRootUrl } from '../boundary/workspace-url.js';
import { Compiler, WORKSPACE_ROOT_URL } from './compiler.js';
import { CompilerPool } from './compiler-pool.js';

/** Compiles sources of users in confined processes. */
@Module({
  providers: [
    CompilerPool,
    Compiler,
    {
      provide: WORKSPACE_ROOT_URL,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => workspaceRootUrl(settings.WORKSPACE_PATH),
    },
  ],
  exports: [CompilerPool, Compiler, WORKSPACE_ROOT_URL],
})
export class CompileModule {}
