import { Injectable } from '@nestjs/common';
import { executionContextSchema, type RequestedContext } from '../../contract/context.js';
import type { ExecutionResult } from '../../contract/result.js';
import { REDACTED } from '../../outcome/redaction/redactor.js';
import { parseJson } from '../../redis/redis-subscription.js';
import { WorkspaceStore } from '../../workspace/workspace.store.js';
import { ExecutionLookup } from '../executions/execution-lookup.service.js';
import { invalid } from '../executions/requests.js';
import {
  type SubmissionHeaders,
  SubmissionService,
  type Submitted,
} from '../executions/submission.service.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { KeptInputs } from '../input/kept-inputs.service.js';
import type { AgainRequest } from './again-requests.js';

/** Has an execution that has ended run again, as an execution of its own that names the one before. */
@Injectable()
export class AgainService {
  constructor(
    private readonly lookup: ExecutionLookup,
    private readonly submission: SubmissionService,
    private readonly workspace: WorkspaceStore,
    private readonly inputs: KeptInputs,
  ) {}

  /**
   * Resolves with the new execution.
   * @throws {ProblemException} 404 for one that is not known or of which is not kept what it ran, 409 for one that
   * has not ended or whose generation is gone, 400 for secrets that are missing, and as a submission does.
   */
  async runAgain(id: string, request: AgainRequest, headers: SubmissionHeaders): Promise<Submitted> {
    const progress = await this.lookup.findEnded(id);
    if (progress.state === 'unknown') throw new ProblemException('not-found', `There is no execution ${id}`);
    if (progress.state !== 'ended')
      throw new ProblemException('conflict', `${id} has not ended: it can be run again once it has`);
    const { workspace, secrets, parameters, ...job } = request;
    const context = await this.contextOf(id, secrets ?? {});
    const generation = await this.generationFor(workspace, progress.result);
    const { workspace_generation: _, ...rest } = context;
    return this.submission.submitExecution(
      {
        ...rest,
        ...(parameters == null ? {} : { parameters }),
        ...(generation === null ? {} : { workspace_generation: generation }),
        again_of: id,
        ...job,
      },
      headers,
    );
  }

  /**
   * Of a task, the context of an execution that does the same. What the ticks of a schedule have in common still has
   * its secrets.
   */
  private async contextOf(id: string, given: Readonly<Record<string, string>>): Promise<RequestedContext> {
    const kept = await this.inputs.find(id);
    if (kept === null)
      throw new ProblemException('not-found', `What ${id} ran is not kept any more: submit it anew`);
    if ('task' in kept) {
      const { code, timeout, network } = kept.task;
      return withSecrets({ workflow_code: code, timeout_seconds: timeout, network }, given);
    }
    const context = contextIn(kept.document);
    if (context === null)
      throw new ProblemException('conflict', `The context of ${id} cannot be read: submit it anew`);
    return withSecrets(context, kept.isShared ? { ...heldSecrets(context), ...given } : given);
  }

  private async generationFor(
    workspace: AgainRequest['workspace'],
    { workspace_generation: generation }: ExecutionResult,
  ): Promise<number | null> {
    if (workspace === 'current' || generation === null) return null;
    if (await withinRedisLimit(this.workspace.exists(generation))) return generation;
    throw new ProblemException(
      'conflict',
      `Generation ${generation} of the workspace, against which it ran, is gone; run it against the current one`,
      { errors: [{ field: 'workspace', message: 'must be current: the generation of before is gone' }] },
    );
  }
}

/** A stored context as a request would have it; the credential of the engine is one of that run alone. */
function contextIn(document: string): RequestedContext | null {
  const { data } = executionContextSchema.safeParse(parseJson(document));
  if (!data) return null;
  const { code, execution_id: _id, engine_token: _token, ...context } = data;
  return code == null ? context : { ...context, workflow_code: code };
}

/** Secrets of a context from which none were removed. */
const heldSecrets = ({ secrets }: RequestedContext): Record<string, string> =>
  Object.fromEntries(Object.entries(secrets ?? {}).filter(([, value]) => value !== REDACTED));

/**
 * The context with its secrets put back.
 * @throws {ProblemException} 400 naming those that are missing, or what else of the context held one.
 */
function withSecrets(context: RequestedContext, given: Readonly<Record<string, string>>): RequestedContext {
  const { secrets, ...rest } = context;
  const names = Object.keys(secrets ?? {});
  if (names.length === 0) return Object.keys(given).length === 0 ? context : { ...rest, secrets: given };
  // A name that held a secret itself is not known any more.
  const missing = names.filter((name) => !name.includes(REDACTED) && !(name in given));
  if (missing.length > 0)
    throw invalid(
      missing.map((name) => ({
        field: `secrets.${name}`,
        message: 'must be given again: it was removed when the execution ended',
      })),
    );
  const held = Object.entries(rest).find(([, value]) => JSON.stringify(value ?? null).includes(REDACTED));
  if (held)
    throw invalid([{ field: held[0], message: 'held a secret, which was removed from it: submit it anew' }]);
  return { ...rest, secrets: given };
}
