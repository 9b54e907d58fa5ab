import { Injectable } from '@nestjs/common';
import { sha256 } from '../../lib/sha256.js';
import { diffPaths, type PathMap, PublishConflict } from '../../workspace/generation.js';
import { checkFiles, checkPaths } from '../../workspace/publish-input.js';
import { Publisher } from '../../workspace/publisher.js';
import { WorkspaceService } from '../../workspace/workspace.service.js';
import { WorkspaceStore } from '../../workspace/workspace.store.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { missingProblem, syntaxProblem } from './workspace-problems.js';
import type { PublishRequest } from './workspace-requests.js';
import type { Publication } from '../../contract/workspace.js';

/**
 * What `PUT /workspace` does before the engine publishes:
 *
 * 1. sources that came along are put into Redis, where they stay for a day without a publish
 * 2. sources that Redis lacks are named
 * 3. what is new to the workspace is compiled: an error refuses the whole publish. The code is shared,
 *    so that the first execution finds it compiled
 */
@Injectable()
export class WorkspacePublication {
  constructor(
    private readonly store: WorkspaceStore,
    private readonly publisher: Publisher,
    private readonly workspace: WorkspaceService,
  ) {}

  /**
   * @throws {WorkspaceInputError} naming files
   * @throws {PublishConflict} before anything was done, where `expected` is not current
   * @throws {ProblemException} 422 for sources that are missing or no code
   */
  async publish(request: PublishRequest): Promise<Publication> {
    const { message, author, temporary } = request;
    // This connection waits for Redis without a limit, so check first: a publisher gets its error soon.
    const current = await withinRedisLimit(this.store.current());
    const { expected = current } = request;
    if (expected !== current) throw new PublishConflict(expected, current);
    const map = await this.mapOf(request);
    const missing = await this.store.lacking(map.values());
    if (missing.length > 0) throw missingProblem(missing);

    const before = current === null ? new Map<string, string>() : await this.store.paths(current);
    const diff = diffPaths(before, map);
    const fresh = [...diff.added, ...diff.changed].map((path) => ({ path, hash: map.get(path) as string }));
    // Of a throw-away generation only what its execution imports matters, and that is compiled anyway.
    const faults = temporary ? [] : await this.workspace.checkStored(fresh, map);
    if (faults.length > 0) throw syntaxProblem(faults);

    if (request.dry_run) return { generation: null, diff };
    // The current one serves as well. A publish that is sent again makes no second generation.
    const unchanged = current !== null && fresh.length + diff.removed.length === 0;
    if (unchanged) return { generation: current, diff };
    const { generation } = await this.publisher.publishMap(map, new Map(), {
      expected,
      temporary,
      ...(message === undefined ? {} : { message }),
      ...(author === undefined ? {} : { author }),
    });
    return { generation, diff };
  }

  private async mapOf({ files, paths }: PublishRequest): Promise<PathMap> {
    if (paths) return checkPaths(new Map(Object.entries(paths)));
    const sources = checkFiles(new Map(Object.entries(files ?? {})));
    await this.publisher.keepSources([...new Set(sources.values())]);
    return new Map([...sources].map(([path, source]) => [path, sha256(source)]));
  }
}
