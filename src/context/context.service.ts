import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type ExecutionSettings, executionSettings } from '../config/slices.js';
import { lengthOf, type ParsedContext, SECRETS_LIMIT_CHARS } from '../contract/context.js';
import { type Execution, type ExecutionSource, NO_DETAILS } from '../contract/execution.js';
import { subjectOf } from '../contract/subject.js';
import type { TaskJob } from '../contract/jobs/job.js';
import type { OrganizationLimits } from '../contract/organization.js';
import { after, type Soon } from '../lib/soon.js';
import { Refusal } from '../contract/jobs/refusal.js';
import { executionText, taskText } from '../contract/jobs/signature.js';
import { REDACTED } from '../outcome/redaction/redactor.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { isWrongType } from '../redis/text-key.js';
import { OrganizationDirectory } from '../tenants/organizations/organization-directory.js';
import { SecretReader } from '../tenants/secrets/secret-reader.js';
import { boundsOf, networkFor } from './organization-bounds.js';
import { parseContext } from './parse-context.js';
import { checkSignature, type Seal } from './signature-check.js';

const UNSEALED: Seal = { signature: null, validUntil: null };

/** Everything about an execution but what earlier attempts left. */
export type LoadedExecution = Omit<
  Execution,
  'attempt' | 'run' | 'starts' | 'tick' | 'flow' | 'generation' | 'traceparent'
> & {
  /** A caller waits for its result at the list of the execution. */
  sync: boolean;
  /** Which executions it comes before, and shares a cap with. */
  turn: Pick<ParsedContext, 'band' | 'concurrency_key' | 'concurrency_limit'>;
};

/** Turns what a producer asked for into a complete, validated execution. */
@Injectable()
export class ContextService {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(executionSettings) private readonly settings: ExecutionSettings,
    private readonly organizations: OrganizationDirectory,
    private readonly store: SecretReader,
  ) {}

  /**
   * Loads the context that the producer wrote to Redis.
   * @param contextId id under which it was written; the ticks of a schedule share one
   * @throws {Refusal} CONTEXT_NOT_FOUND, SECRET_UNAVAILABLE, or INVALID_JOB naming the field.
   */
  async load(
    executionId: string,
    seal: Seal = UNSEALED,
    contextId: string = executionId,
  ): Promise<LoadedExecution> {
    const key = this.keys.context(contextId);
    const document = await this.redis.get(key).catch((error: unknown) => refuseOther(key, error));
    if (document !== null) return this.read(document, executionId, seal, contextId);
    throw new Refusal(
      'CONTEXT_NOT_FOUND',
      `There is no context under ${key}: it expired or was never written`,
    );
  }

  /** As {@link load}, of a document that is at hand. */
  read(document: string, executionId: string, seal: Seal, contextId: string): Soon<LoadedExecution> {
    const key = this.keys.context(contextId);
    const { validUntil } = seal;
    const signed = (): string => executionText({ executionId: contextId, context: document, validUntil });
    const { context, extra } = parseContext(document);
    refuseRedacted(secretsOf(context), key);
    checkSignature(this.keysOfSigners, seal, signed, Date.now());
    const noted = (error: unknown): never => {
      if (error instanceof Refusal) error.subject = subjectOf(subjectFieldsOf(context));
      throw error;
    };
    try {
      const loaded = this.complete(executionId, context, extra);
      return loaded instanceof Promise ? loaded.catch(noted) : loaded;
    } catch (error) {
      return noted(error);
    }
  }

  /** Only what an organization keeps, and this worker does not know yet, has to be waited for. */
  private complete(
    executionId: string,
    context: ParsedContext,
    extra: Record<string, unknown>,
  ): Soon<LoadedExecution> {
    const limits = this.limitsOf(context);
    const secrets = context.secret_names?.length ? this.secretsFor(context) : secretsOf(context);
    if (limits instanceof Promise || secrets instanceof Promise)
      return Promise.all([limits, secrets]).then((found) =>
        this.loadedOf(executionId, context, extra, found),
      );
    return this.loadedOf(executionId, context, extra, [limits, secrets]);
  }

  private loadedOf(
    executionId: string,
    context: ParsedContext,
    extra: Record<string, unknown>,
    [limits, secrets]: [OrganizationLimits | null, Record<string, string>],
  ): LoadedExecution {
    return {
      id: executionId,
      source: this.sourceOf(context),
      parameters: context.parameters ?? {},
      files: context.files ?? {},
      env: context.env ?? {},
      secrets,
      details: {
        name: context.name ?? null,
        config: context.config ?? {},
        startup: context.startup ?? null,
        event: context.event ?? null,
        extra: { ...context.extra, ...extra },
      },
      sync: context.sync ?? false,
      turn: {
        band: context.band,
        concurrency_key: context.concurrency_key,
        concurrency_limit: context.concurrency_limit,
      },
      timeoutMs: this.timeoutMs(this.limitOf(context), 'timeout_seconds', limits),
      network: networkFor(this.settings, context.network, limits),
      captureLocals: context.capture_locals ?? false,
      wantedGeneration: context.workspace_generation ?? null,
      ...subjectFieldsOf(context),
      ...boundsOf(limits),
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
      files: {},
      env: {},
      secrets: {},
      caller: null,
      organization: null,
      workflowId: null,
      details: NO_DETAILS,
      sync: false,
      turn: {},
      tags: [],
      timeoutMs: this.timeoutMs(task.timeout, 'timeout', null),
      network: networkFor(this.settings, task.network, null),
      captureLocals: false,
      wantedGeneration: null,
    };
  }

  private get keysOfSigners(): string[] {
    return this.settings.signingKeys;
  }

  private sourceOf(context: ParsedContext): ExecutionSource {
    const {
      workflow_code: workflowCode,
      code: script,
      file_path: path,
      function_name: functionName,
    } = context;
    const code = workflowCode ?? script;
    if (code != null) {
      const field = workflowCode == null ? 'code' : 'workflow_code';
      const source = this.inline(code, functionName ?? null, field);
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

  /** What holds for executions of its organization; null: it has none, or nothing is set of it. */
  private limitsOf({ organization }: ParsedContext): Soon<OrganizationLimits | null> {
    if (organization == null) return null;
    return after(this.organizations.find(organization.id), ({ limits }) => limits);
  }

  /** The secrets of a context, and those of the store that it names. */
  private async secretsFor(context: ParsedContext): Promise<Record<string, string>> {
    const given = secretsOf(context);
    const { secret_names: names, organization } = context;
    if (names == null || names.length === 0) return given;
    const refuse = (why: string): never => {
      throw new Refusal(
        'INVALID_JOB',
        `The execution context cannot be used: secret_names: ${why}`,
        'secret_names',
      );
    };
    if (organization == null) return refuse('needs organization: secrets are kept by organization');
    const twice = names.find((name) => Object.hasOwn(given, name));
    if (twice !== undefined) return refuse(`${twice} is in secrets too`);
    const secrets = { ...given, ...(await this.store.read(organization.id, names)) };
    if (lengthOf(secrets) <= SECRETS_LIMIT_CHARS) return secrets;
    return refuse(
      `with secrets, must have at most ${SECRETS_LIMIT_CHARS} characters together, or they could not be redacted`,
    );
  }

  /** Seconds; undefined: the usual limit. */
  private limitOf({ timeout_seconds: seconds }: ParsedContext): number | undefined {
    if (seconds !== 0) return seconds ?? undefined;
    if (this.settings.zeroIsLongest) return this.settings.maxTimeoutMs / 1000;
    throw new Refusal(
      'INVALID_JOB',
      'The execution context cannot be used: timeout_seconds: must be more than 0 (or set ZERO_TIMEOUT=longest)',
      'timeout_seconds',
    );
  }

  private timeoutMs(
    seconds: number | null | undefined,
    field: string,
    limits: OrganizationLimits | null,
  ): number {
    const { defaultTimeoutMs, maxTimeoutMs } = this.settings;
    const ownMs = (limits?.timeout_seconds ?? Number.POSITIVE_INFINITY) * 1000;
    if (seconds == null) return Math.min(defaultTimeoutMs, ownMs);
    if (seconds * 1000 <= Math.min(maxTimeoutMs, ownMs)) return seconds * 1000;
    if (ownMs < maxTimeoutMs)
      throw new Refusal(
        'INVALID_JOB',
        `${field} is ${seconds} s; the limit of its organization is ${ownMs / 1000} s`,
        field,
      );
    throw new Refusal(
      'INVALID_JOB',
      `${field} is ${seconds} s; the limit is ${maxTimeoutMs / 1000} s (MAX_TIMEOUT_SECONDS)`,
      field,
    );
  }
}

/** On whose behalf a context is. */
const subjectFieldsOf = ({ caller, organization, workflow_id, tags, again_of }: ParsedContext) => ({
  caller: caller ?? null,
  organization: organization ?? null,
  workflowId: workflow_id ?? null,
  tags: tags ?? [],
  ...(again_of == null ? {} : { againOf: again_of }),
});

type InlineSource = Extract<ExecutionSource, { kind: 'inline' }>;

/**
 * An execution that has ended leaves its context without secrets: what runs again needs them anew.
 * @throws {Refusal}
 */
function refuseRedacted(secrets: Readonly<Record<string, string>>, key: string): void {
  if (!Object.values(secrets).includes(REDACTED)) return;
  throw new Refusal(
    'INVALID_JOB',
    `The secrets of this execution were removed when it ended; write ${key} anew before it runs again`,
    'secrets',
  );
}

/**
 * A key that is no text stays none, however often it is read.
 * @throws {Refusal} or the error itself, which says something else
 */
function refuseOther(key: string, error: unknown): never {
  if (!isWrongType(error)) throw error;
  const why = `The key ${key} holds no text; the execution context is JSON under a plain key, as SET writes it`;
  throw new Refusal('INVALID_JOB', why, 'context');
}

/** A token that another system hands to its code is a secret like the others. */
const secretsOf = ({ secrets, engine_token: token }: ParsedContext): Record<string, string> => ({
  ...(token == null ? {} : { engine_token: token }),
  ...secrets,
});
