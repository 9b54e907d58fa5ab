import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { Input } from '../../contract/api/input.js';
import { executionContextSchema } from '../../contract/context.js';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { parseJob } from '../../queue/parse-job.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { withoutSecretsInTurns } from '../../results/without-secrets.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';

/** What executions and tasks were asked to run. */
@Injectable()
export class InputService {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** @throws {ProblemException} 404 where it is not kept, or belongs to a schedule. */
  async find(id: string): Promise<Input> {
    const document = await withinRedisLimit(this.redis.get(this.keys.context(id)));
    const input = document === null ? await this.ofTask(id) : await ofContext(id, document);
    if (input) return input;
    throw new ProblemException(
      'not-found',
      `What ${id} was asked to run is not kept, cannot be read, or belongs to a schedule`,
    );
  }

  private async ofTask(id: string): Promise<Input | null> {
    const job = await withinRedisLimit(this.queue.getJob(jobIdOf(id)));
    const request = job && parseJob(job);
    if (!request || !('task' in request) || request.executionId !== id) return null;
    const { code, timeout } = request.task;
    return { ...nothing(id), workflow_code: code, timeout_seconds: timeout ?? null };
  }
}

/** Secrets go wherever they stand, also in parameters and in the code. */
async function ofContext(id: string, document: string): Promise<Input | null> {
  const rest = await withoutSecretsInTurns(document);
  const parsed = executionContextSchema.safeParse(parsedJson(rest ?? document));
  if (!parsed.success) return null;
  const { data } = parsed;
  // A script in base64 may hold a secret where that form does not show it.
  const script = rest === null ? data.code : null;
  return {
    execution_id: id,
    workflow_code: data.workflow_code ?? script ?? null,
    file_path: data.file_path ?? null,
    function_name: data.function_name ?? null,
    parameters: data.parameters ?? null,
    timeout_seconds: data.timeout_seconds ?? null,
    workspace_generation: data.workspace_generation ?? null,
    secrets: [...Object.keys(data.secrets ?? {}), ...(data.secret_names ?? [])],
  };
}

/** null for a text that is no JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const nothing = (id: string): Input => ({
  execution_id: id,
  workflow_code: null,
  file_path: null,
  function_name: null,
  parameters: null,
  timeout_seconds: null,
  workspace_generation: null,
  secrets: [],
});
