import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { narrowedNetwork } from '../config/network.js';
import { type ExecutionSettings, executionSettings } from '../config/slices.js';
import type { NetworkPolicy } from '../contract/confinement.js';
import { type ExecutionContext, executionContextSchema } from '../contract/context.js';
import type { Execution, ExecutionSource } from '../contract/execution.js';
import type { TaskJob } from '../contract/jobs/job.js';
import { Refusal } from '../contract/jobs/refusal.js';
import { executionText, taskText } from '../contract/jobs/signature.js';
import { REDACTED } from '../outcome/redaction/redactor.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { checkSignature, type Seal } from './signature-check.js';

const UNSEALED: Seal = { signature: null, validUntil: null };

/** Everything about an execution but what earlier attempts left. */
export type LoadedExecution = Omit<
  Execution,
  'attempt' | 'run' | 'tick' | 'flow' | 'generation' | 'traceparent'
>;

/** Turns what a producer asked for into a complete, validated execution. */
@Injectable()
export class ContextService {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(executionSettings) private readonly settings: ExecutionSettings,
  ) {}

  /**
   * Loads the context that the producer wrote to Redis.
   * @param contextId id under which it was written; the ticks of a schedule share one
   * @throws {Refusal} CONTEXT_NOT_FOUND, or INVALID_JOB naming the field.
   */
  async load(
    executionId: string,
    seal: Seal = UNSEALED,
    contextId: string = executionId,
  ): Promise<LoadedExecution> {
    const key = this.keys.context(contextId);
    const document = await this.redis.get(key);
    if (document === null) {
      throw new Refusal(
        'CONTEXT_NOT_FOUND',
        `There is no context under ${key}: it expired or was never written`,
      );
    }
    const { validUntil } = seal;
    const signed = (): string => executionText({ executionId: contextId, context: document, validUntil });
    const context = parseContext(document);
    refuseRedacted(context, key);
    checkSignature(this.keysOfSigners, seal, signed, Date.now());
    return {
      id: executionId,
      source: this.sourceOf(context),
      parameters: context.parameters ?? {},
      env: context.env ?? {},
      secrets: context.secrets ?? {},
      caller: context.caller ?? null,
      organization: context.organization ?? null,
      workflowId: context.workflow_id ?? null,
      tags: context.tags ?? [],
      timeoutMs: this.timeoutMs(context.timeout_seconds, 'timeout_seconds'),
      network: this.network(context.network),
      captureLocals: context.capture_locals ?? false,
      wantedGeneration: context.workspace_generation ?? null,
    };
  }

  /**
   * The execution that an inline task asks for.
   * @throws {Refusal} INVALID_JOB naming the field.
   */
  fromTask(task: TaskJob, executionId: string = task.taskId): LoadedExecution {
    const { taskId, code, timeout = null, network = null, signature = null, validUntil = null } = task;
    const signed = (): string => taskText({ taskId, code, timeout, network, validUntil });
    checkSignature(this.keysOfSigners, { signature, validUntil }, signed, Date.now());
    return {
      id: executionId,
      source: this.inline(task.code, null, 'code'),
      parameters: {},
      env: {},
      secrets: {},
      caller: null,
      organization: null,
      workflowId: null,
      tags: [],
      timeoutMs: this.timeoutMs(task.timeout, 'timeout'),
      network: this.network(task.network),
      captureLocals: false,
      wantedGeneration: null,
    };
  }

  private get keysOfSigners(): string[] {
    return this.settings.signingKeys;
  }

  private sourceOf(context: ExecutionContext): ExecutionSource {
    const { workflow_code: code, file_path: path, function_name: functionName } = context;
    if (code != null) {
      const source = this.inline(code, functionName ?? null, 'workflow_code');
      return path == null ? source : { ...source, path };
    }
    return { kind: 'module', path: path as string, functionName: functionName ?? 'default' };
  }

  private inline(code: string, functionName: string | null, field: string): InlineSource {
    const bytes = Buffer.byteLength(code);
    const limit = this.settings.codeLimitBytes;
    if (bytes <= limit) return { kind: 'inline', code, functionName };
    throw new Refusal(
      'INVALID_JOB',
      `${field} has ${bytes} bytes; the limit is ${limit} (CODE_LIMIT_BYTES)`,
      field,
    );
  }

  private network(asked: NetworkPolicy | null | undefined): NetworkPolicy {
    const found = narrowedNetwork(this.settings, asked);
    if ('network' in found) return found.network;
    throw new Refusal('INVALID_JOB', `network ${found.refused}`, 'network');
  }

  private timeoutMs(seconds: number | null | undefined, field: string): number {
    const { defaultTimeoutMs, maxTimeoutMs } = this.settings;
    if (seconds == null) return defaultTimeoutMs;
    if (seconds * 1000 <= maxTimeoutMs) return seconds * 1000;
    throw new Refusal(
      'INVALID_JOB',
      `${field} is ${seconds} s; the limit is ${maxTimeoutMs / 1000} s (MAX_TIMEOUT_SECONDS)`,
      field,
    );
  }
}

type InlineSource = Extract<ExecutionSource, { kind: 'inline' }>;

/**
 * An execution that has ended leaves its context without secrets: what runs again needs them anew.
 * @throws {Refusal}
 */
function refuseRedacted({ secrets }: ExecutionContext, key: string): void {
  if (!Object.values(secrets ?? {}).includes(REDACTED)) return;
  throw new Refusal(
    'INVALID_JOB',
    `The secrets of this execution were removed when it ended; write ${key} anew before it runs again`,
    'secrets',
  );
}

function parseContext(document: string): ExecutionContext {
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    throw new Refusal('INVALID_JOB', 'The execution context is not JSON', 'context');
  }
  const parsed = executionContextSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'context'}: ${issue.message}`,
  );
  throw new Refusal(
    'INVALID_JOB',
    `The execution context cannot be used: ${problems.join('; ')}`,
    String(parsed.error.issues[0]?.path[0] ?? 'context'),
  );
}
