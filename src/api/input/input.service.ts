import { Injectable } from '@nestjs/common';
import type { Input } from '../../contract/api/input.js';
import { executionContextSchema } from '../../contract/context.js';
import type { TaskJob } from '../../contract/jobs/job.js';
import { parseJson } from '../../redis/redis-subscription.js';
import { withoutSecretsInTurns } from '../../results/without-secrets.js';
import { ProblemException } from '../http/problem.js';
import { KeptInputs } from './kept-inputs.service.js';

/** Shows what executions and tasks were asked to run. */
@Injectable()
export class InputService {
  constructor(private readonly inputs: KeptInputs) {}

  /** @throws {ProblemException} 404 where it is not kept, 503 without Redis. */
  async find(id: string): Promise<Input> {
    const kept = await this.inputs.find(id);
    const input = kept && ('task' in kept ? ofTask(id, kept.task) : await ofContext(id, kept.document));
    if (input) return input;
    throw new ProblemException('not-found', `What ${id} was asked to run is not kept, or cannot be read`);
  }
}

const ofTask = (id: string, { code, timeout }: TaskJob): Input => ({
  execution_id: id,
  workflow_code: code,
  file_path: null,
  function_name: null,
  parameters: null,
  timeout_seconds: timeout ?? null,
  workspace_generation: null,
  secrets: [],
});

/** Secrets go wherever they stand, also in parameters and in the code. */
async function ofContext(id: string, document: string): Promise<Input | null> {
  const rest = await withoutSecretsInTurns(document);
  const parsed = executionContextSchema.safeParse(parseJson(rest ?? document));
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
