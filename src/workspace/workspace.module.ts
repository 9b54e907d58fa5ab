import { Module } from '@nestjs/common';
import { CompileModule } from '../compile/compile.module.js';
import { WorkspaceJanitor } from './janitor.js';
import { ModuleSource } from './module-source.js';
import { Publisher } from './publisher.js';
import { WorkspaceService } from './workspace.service.js';
import { WorkspaceStore } from './workspace.store.js';

/** Workspace modules: generations in Redis, compiled code, the closure of an execution. */
@Module({
  imports: [CompileModule],
  providers: [WorkspaceStore, Publisher, WorkspaceJanitor, ModuleSource, WorkspaceService],
  exports: [WorkspaceStore, Publisher, WorkspaceService, CompileModule],
})
export class WorkspaceModule {}
