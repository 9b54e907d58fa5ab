/**
 * Every key and channel of bifrost, by name. Names are contract; only the prefix can be configured.
 *
 * On Redis Cluster, keys that one script touches must share a slot. The contract's names carry no
 * hash tags, so a sibling key puts the whole name of the key it belongs to into its own tag: Redis
 * hashes a key without tag as a whole, hence both land in the same slot. A prefix that brings a tag
 * of its own puts all keys into one slot, and siblings need none.
 */
export class RedisKeys {
  constructor(private readonly prefix: string) {}

  /** Execution context, written by the producer. */
  context = (executionId: string): string => `${this.prefix}bifrost:exec:${executionId}:context`;

  /** Hash: what the first request of an Idempotency-Key began; expires. */
  idempotency = (sha256: string): string => `${this.prefix}bifrost:idempotency:${sha256}`;

  /** JSON: the executions of a batch; expires. */
  batch = (batchId: string): string => `${this.prefix}bifrost:batch:${batchId}`;

  /** List: JSON of each delivery of the webhook of an execution or a batch; expires. */
  webhooks = (id: string): string => `${this.prefix}bifrost:webhooks:${id}`;

  /** The one result of an execution. */
  result = (executionId: string): string => `${this.prefix}bifrost:exec:${executionId}:result`;

  /** List: the result, for a caller that waits there; expires. */
  waitedResult = (executionId: string): string => `${this.prefix}bifrost:result:${executionId}`;
  /** Channel: start, log entries and end of an execution, as the engine has them. */
  executionUpdates = (executionId: string): string => `${this.prefix}bifrost:execution:${executionId}`;
  /** Set by another program to have the execution end. */
  cancelFlag = (executionId: string): string => `${this.prefix}bifrost:exec:${executionId}:cancel`;

  /** Hash: the worker that runs the execution and how often it was tried; same slot as the result. */
  ledger = (executionId: string): string => this.sibling(this.result(executionId), 'ledger');

  /** A result that a further run has replaced, until the archive has it; same slot as the result. */
  formerResult = (executionId: string, run: number): string =>
    this.sibling(this.result(executionId), `run:${run}`);

  /** Stream: results on their way to the archive. */
  archiveFeed = (): string => `${this.prefix}bifrost:archive:feed`;
  /** Sorted set: name of a result (results/archive-feed.ts) -> Unix milliseconds since when its result waits for the archive; same slot as the feed. */
  archiveWaiting = (): string => this.sibling(this.archiveFeed(), 'waiting');
  /** Hash: `lost`, results that expired before any archive had them; same slot as the feed. */
  archiveFigures = (): string => this.sibling(this.archiveFeed(), 'figures');
  /** Set while one archive looks for results that the feed dropped. */
  archiveSweep = (): string => this.sibling(this.archiveFeed(), 'sweep');

  /** List: JSON of each attempt that ended without being the last; same slot as the result. */
  attempts = (executionId: string): string => this.sibling(this.result(executionId), 'attempts');

  workerRecord = (workerId: string): string => `${this.prefix}bifrost:worker:${workerId}`;
  workers = (): string => `${this.prefix}bifrost:workers`;
  heartbeat = (workerId: string): string => `${this.prefix}worker:${workerId}:heartbeat`;
  workerType = (workerId: string): string => `${this.prefix}worker:${workerId}:type`;
  workerStats = (workerId: string): string => `${this.prefix}worker:${workerId}:stats`;

  /** Written by a look at whether Redis takes writes; expires at once. */
  writeLook = (): string => `${this.prefix}bifrost:health`;

  /** Alive as long as the incarnation of a worker that set it; `owner` is unique to one start of one worker. */
  lease = (owner: string): string => `${this.prefix}bifrost:lease:${owner}`;

  /** JSON of a module that another program keeps, and the set of the paths of all of them. */
  storedModule = (path: string): string => `${this.prefix}bifrost:module:${path}`;
  storedModules = (): string => `${this.prefix}bifrost:module:index`;

  workspaceCurrent = (): string => `${this.prefix}bifrost:workspace:current`;
  workspaceGeneration = (generation: number): string => `${this.prefix}bifrost:workspace:${generation}`;
  workspaceBlob = (sha256: string): string => `${this.prefix}bifrost:workspace:blob:${sha256}`;
  workspaceChanged = (): string => `${this.prefix}bifrost:workspace:changed`;
  /** Counter: the highest generation number given out. */
  workspaceSequence = (): string => `${this.prefix}bifrost:workspace:sequence`;
  /** Hash: generation -> JSON of author, message and time of the publish. */
  workspaceLog = (): string => `${this.prefix}bifrost:workspace:log`;
  /** Sorted set: generation -> Unix milliseconds until which executions may need it. */
  workspaceUses = (): string => `${this.prefix}bifrost:workspace:uses`;
  /** A compiled module, by what it was made from; with TTL. */
  workspaceCompiled = (key: string): string => `${this.prefix}bifrost:workspace:compiled:${key}`;

  requirements = (): string => `${this.prefix}bifrost:requirements:content`;
  requirementsChanged = (): string => `${this.prefix}bifrost:requirements:changed`;
  /** What a worker has of the manifest, see contract/packages.ts; expires as a heartbeat does. */
  workerPackages = (workerId: string): string => `${this.prefix}bifrost:worker:${workerId}:packages`;

  /** Hash: due time -> JSON of what was decided of that tick (worker/ticks/tick-decision.ts), `version` -> counter; expires. */
  scheduleTurns = (schedule: string): string => `${this.prefix}bifrost:schedule:${schedule}:turns`;
  /** Hash: id -> JSON of a schedule that was set by the API. */
  schedules = (): string => `${this.prefix}bifrost:schedules`;

  /** Hash: id -> JSON of what is set of an organization (contract/organization.ts). */
  organizations = (): string => `${this.prefix}bifrost:organizations`;
  /** Channel: the id of an organization whose record has changed. */
  organizationsChanged = (): string => `${this.prefix}bifrost:organizations:changed`;

  /** Hash: id -> JSON of a token of the API, with the hash of its text (tenants/tokens/token-store.ts). */
  tokens = (): string => `${this.prefix}bifrost:tokens`;
  /** Channel: the id of a token that was revoked. */
  tokensChanged = (): string => `${this.prefix}bifrost:tokens:changed`;

  /** Hash: name -> JSON of an encrypted secret (contract/secret.ts). */
  secretsOf = (organization: string): string => `${this.prefix}bifrost:organization:${organization}:secrets`;
  /** Set: organizations that have, or had, secrets. */
  secretOwners = (): string => `${this.prefix}bifrost:secrets`;

  /** Hash: id -> Unix milliseconds until which an organization is slowed down, since a quota is used up. */
  organizationsSlowed = (): string => this.sibling(this.organizations(), 'slowed');

  /** Hash: what organizations used on a day, such as `cpu_ms:{organization}` (tenants/usage); expires. */
  usage = (day: string): string => `${this.prefix}bifrost:usage:${day}`;
  /** Sorted set, on Cluster: what was counted lately -> Unix seconds; same slot as that of the day. */
  usageSeen = (day: string): string => this.sibling(this.usage(day), 'seen');

  /** Stream: entries of the audit log on their way to the archive. */
  audit = (): string => `${this.prefix}bifrost:audit`;

  cancelChannel = (): string => `${this.prefix}bifrost:cancel`;
  controlChannel = (workerId: string): string => `${this.prefix}bifrost:worker:${workerId}:control`;
  /** Commands of the engine to the pool of one worker. */
  poolChannel = (workerId: string): string => `${this.prefix}bifrost:pool:${workerId}:commands`;
  /** List: what workers did about one command; expires. */
  controlAnswers = (requestId: string): string => `${this.prefix}bifrost:control:${requestId}:answers`;

  logs = (executionId: string): string => `${this.prefix}bifrost:logs:${executionId}`;

  private sibling(key: string, role: string): string {
    return /\{[^}]+\}/.test(key) ? `${key}:${role}` : `{${key}}:${role}`;
  }
}
