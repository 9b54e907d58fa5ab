import { z } from 'zod';
import { cancelMessageSchema } from '../cancellation.js';
import {
  executionUpdateSchema,
  poolCommandSchema,
  storedModuleSchema,
  waitedResultSchema,
} from '../clients/engine.js';
import { taskResultSchema } from '../clients/task-result.js';
import { executionContextSchema } from '../context.js';
import { controlAnswerSchema, controlMessageSchema } from '../control.js';
import { executionJobSchema, taskJobSchema } from '../jobs/job.js';
import { logEventSchema } from '../log-stream.js';
import { packageManifestSchema, packagesStatusSchema } from '../packages.js';
import { progressSchema, resultSchema } from '../result.js';
import { workerRecordSchema } from '../worker-record.js';
import { generationSchema } from '../workspace.js';

/** A document of the contract: its schema and where it is found. */
interface ContractDocument {
  schema: z.ZodType;
  /** Redis key, channel or queue; completes the title of its JSON Schema. */
  where: string;
}

/** Every JSON document that this worker reads or writes, by the name of its JSON Schema. */
export const DOCUMENTS = {
  'execution-job': { schema: executionJobSchema, where: 'work queue, job of an execution' },
  'task-job': { schema: taskJobSchema, where: 'work queue, job of a task' },
  'execution-context': { schema: executionContextSchema, where: 'bifrost:exec:{execution_id}:context' },
  'execution-result': {
    schema: resultSchema,
    where: 'bifrost:exec:{execution_id}:result, and result queue',
  },
  'task-result': { schema: taskResultSchema, where: 'result queue, of a task' },
  'waited-result': { schema: waitedResultSchema, where: 'bifrost:result:{execution_id}' },
  'execution-update': { schema: executionUpdateSchema, where: 'channel bifrost:execution:{execution_id}' },
  progress: { schema: progressSchema, where: 'progress of a BullMQ job' },
  'log-event': { schema: logEventSchema, where: 'GET /executions/{id}/logs' },
  'worker-record': { schema: workerRecordSchema, where: 'bifrost:worker:{worker_id}' },
  'cancel-message': { schema: cancelMessageSchema, where: 'channel bifrost:cancel' },
  'control-message': { schema: controlMessageSchema, where: 'channel bifrost:worker:{worker_id}:control' },
  'control-answer': { schema: controlAnswerSchema, where: 'bifrost:control:{request_id}:answers' },
  'pool-command': { schema: poolCommandSchema, where: 'channel bifrost:pool:{worker_id}:commands' },
  'package-manifest': { schema: packageManifestSchema, where: 'bifrost:requirements:content' },
  'packages-status': { schema: packagesStatusSchema, where: 'bifrost:worker:{worker_id}:packages' },
  'workspace-generation': { schema: generationSchema, where: 'bifrost:workspace:log' },
  'stored-module': { schema: storedModuleSchema, where: 'bifrost:module:{path}' },
} as const satisfies Record<string, ContractDocument>;

export type DocumentName = keyof typeof DOCUMENTS;

export const DOCUMENT_NAMES = Object.keys(DOCUMENTS) as DocumentName[];

/** Prefix of the `$id` of every schema. */
const ID_PREFIX = 'urn:bifrost:schema:';

/**
 * JSON Schema (draft 2020-12) of a document. Fields that it does not name are allowed: later versions add some,
 * and readers are to ignore what they do not know.
 */
export function jsonSchemaOf(name: DocumentName): Record<string, unknown> {
  const { schema, where } = DOCUMENTS[name];
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: withoutId });
  return { ...json, $id: `${ID_PREFIX}${name}`, title: `${name}: ${where}` };
}

/** Names under which the description of the HTTP API shares a schema mean nothing here. */
const withoutId = ({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void => {
  delete jsonSchema['id'];
};

/** The file that publishes a schema, as text. */
export const schemaFile = (name: DocumentName): string => `${JSON.stringify(jsonSchemaOf(name), null, 2)}\n`;
