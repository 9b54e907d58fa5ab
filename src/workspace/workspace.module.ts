import { Module } from '@nestjs/common';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { workspaceRootUrl } from '../lib/workspace-url.js';
import { Compiler } from './compiler.js';
import { WorkspaceJanitor } from './janitor.js';
import { ModuleSource } from './module-source.js';
import { Publisher } from './publisher.js';
import { WORKSPACE_ROOT_URL, WorkspaceService } from './workspace.service.js';
import { WorkspaceStore } from './workspace.store.js';

/** Workspace modules: generations in Redis, compiled code, the closure of an execution. */
@Module({
  providers: [
    WorkspaceStore,
    Publisher,
    WorkspaceJanitor,
    ModuleSource,
    WorkspaceService,
    {
      provide: WORKSPACE_ROOT_URL,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => workspaceRootUrl(settings.WORKSPACE_PATH),
    },
    {
      provide: Compiler,
      inject: [WORKSPACE_ROOT_URL],
      useFactory: (rootUrl: string) => new Compiler(rootUrl),
    },
  ],
  exports: [WorkspaceStore, Publisher, WorkspaceService, Compiler],
})
export class WorkspaceModule {}
