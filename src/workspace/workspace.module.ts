import { Module } from '@nestjs/common';
import { CompileModule } from '../compile/compile.module.js';
import { type WorkspaceSettings, workspaceSettings } from '../config/slices.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { WorkspaceJanitor } from './janitor.js';
import { ModuleSource } from './module-source.js';
import { Publisher } from './publisher.js';
import { StoredModules } from './stored-modules.js';
import { WorkspaceService } from './workspace.service.js';
import { WorkspaceStore } from './workspace.store.js';

const store = {
  provide: WorkspaceStore,
  inject: [PATIENT_REDIS, RedisKeys, workspaceSettings.KEY],
  useFactory: (redis: RedisClient, keys: RedisKeys, { isLive }: WorkspaceSettings) =>
    isLive ? new StoredModules(redis, keys) : new WorkspaceStore(redis, keys),
};

/** Workspace modules: generations in Redis, compiled code, the closure of an execution. */
@Module({
  imports: [CompileModule],
  providers: [store, Publisher, WorkspaceJanitor, ModuleSource, WorkspaceService],
  exports: [WorkspaceStore, Publisher, WorkspaceService, CompileModule],
})
export class WorkspaceModule {}
