import { Module } from '@nestjs/common';
import { type CompilerSettings, compilerSettings } from '../config/slices.js';
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
      inject: [compilerSettings.KEY],
      useFactory: (settings: CompilerSettings) => workspaceRootUrl(settings.workspacePath),
    },
  ],
  exports: [CompilerPool, Compiler, WORKSPACE_ROOT_URL],
})
export class CompileModule {}
