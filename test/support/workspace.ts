import { afterAll } from '@jest/globals';
import { Compiler } from '../../src/compile/compiler.js';
import { CompilerPool } from '../../src/compile/compiler-pool.js';
import { workspaceRootUrl } from '../../src/boundary/workspace-url.js';
import type { RedisClient } from '../../src/redis/connections.js';
import { RedisKeys } from '../../src/redis/keys.js';
import { WorkspaceJanitor } from '../../src/workspace/janitor.js';
import { ModuleSource } from '../../src/workspace/module-source.js';
import { Publisher } from '../../src/workspace/publisher.js';
import { StoredModules } from '../../src/workspace/stored-modules.js';
import { WorkspaceService } from '../../src/workspace/workspace.service.js';
import { WorkspaceStore } from '../../src/workspace/workspace.store.js';
import { settingsOf } from './parts.js';
import { compilerSettings } from '../../src/config/slices.js';

const settings = settingsOf();
/** Of all workspaces of a suite; its processes are started with the first compile. */
const compilers = new CompilerPool(compilerSettings.of(settings));
afterAll(() => compilers.stop());

/** The workspace of one worker on real connections, without Nest. `stored`: over modules that another program keeps. */
export function openWorkspace(patient: RedisClient, impatient: RedisClient, prefix = '', stored = false) {
  const keys = new RedisKeys(prefix);
  const rootUrl = workspaceRootUrl();
  const store = stored ? new StoredModules(patient, keys) : new WorkspaceStore(patient, keys);
  const compiler = new Compiler(compilers, rootUrl, compilerSettings.of(settings));
  const source = new ModuleSource(store, compiler);
  const janitor = new WorkspaceJanitor(patient, keys, store);
  const service = new WorkspaceService(store, source, compiler, janitor, rootUrl);
  const publisher = new Publisher(impatient, keys);
  return { keys, rootUrl, store, compiler, source, janitor, service, publisher };
}

export const filesOf = (files: Record<string, string>): Map<string, string> => new Map(Object.entries(files));
