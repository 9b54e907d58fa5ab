import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { NO_SUBJECT, type Subject, subjectOf } from '../contract/subject.js';
import type { RedisClient } from '../redis/connections.js';
import { GatheredScript } from '../redis/gathered-script.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { textUnder } from '../redis/text-key.js';
import { searchedParameters } from '../results/search/searched-parameters.js';

/** The part of a context that says on whose behalf it is; the rest is not looked at. */
const subjectFields = z.object({
  workflow_id: z.string().nullish().catch(null),
  caller: z.looseObject({}).nullish().catch(null),
  organization: z.looseObject({ id: z.string() }).nullish().catch(null),
  tags: z.array(z.string()).nullish().catch(null),
  again_of: z.string().nullish().catch(null),
});

/** Contexts of one call together; of what is beyond, nothing is read. */
const MAX_BYTES = 16 * 1_048_576;

/** Contexts up to this size come with the question for it: 500 of them are within the bound. */
const SMALL_BYTES = 32_768;

/** KEYS context -> it, or its size where that is larger than a small one, or nil, also where it is no text: many are asked for in one command. */
const READ_SMALL = new GatheredScript(
  `
local size = redis.pcall('STRLEN', KEYS[1])
if type(size) ~= 'number' then return false end
if size > ${SMALL_BYTES} then return size end
return redis.call('GET', KEYS[1])
`,
  { keys: 1, args: 0 },
);

/** A subject, and what is searched of the parameters if that was asked for. */
export type FoundSubject = Subject & { parameters?: string };

/** On whose behalf executions that have not ended were asked for, as their contexts say. */
@Injectable()
export class ContextSubjects {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /**
   * The subjects of the first of these contexts, in their order, as many as 16 MiB of contexts have; of one whose
   * context is not there or cannot be read, nothing is known. null stands for an execution without a context.
   * @param parameters also what their parameters are searched in
   */
  async read(
    contextIds: readonly (string | null)[],
    { parameters = false }: { parameters?: boolean } = {},
  ): Promise<FoundSubject[]> {
    const found = await Promise.all(contextIds.map((id) => this.readSmall(id)));
    let bytes = 0;
    const readable = found.findIndex((one, index) => (bytes += sizeIn(one)) > MAX_BYTES && index > 0);
    const some = readable === -1 ? found : found.slice(0, readable);
    return Promise.all(
      some.map(async (one, index) => {
        const document = typeof one === 'number' ? await this.readLarge(contextIds[index]) : one;
        if (document === null) return NO_SUBJECT;
        const subject = subjectIn(document);
        return parameters ? { ...subject, parameters: await searchedParameters(document) } : subject;
      }),
    );
  }

  /** The subject of one context; null: there is no such context, or it is no text. */
  async find(contextId: string): Promise<Subject | null> {
    const document = await textUnder(this.redis, this.keys.context(contextId));
    return document === null ? null : subjectIn(document);
  }

  private async readSmall(id: string | null): Promise<string | number | null> {
    if (id === null) return null;
    return (await READ_SMALL.run(this.redis, [this.keys.context(id)], [])) as string | number | null;
  }

  private readLarge(id: string | null | undefined): Promise<string | null> {
    return id == null ? Promise.resolve(null) : textUnder(this.redis, this.keys.context(id));
  }
}

const sizeIn = (found: string | number | null): number =>
  typeof found === 'string' ? found.length : (found ?? 0);

/** Never throws: a context that cannot be read gets its execution a result that says so. */
export function subjectIn(document: string | null): Subject {
  try {
    const { workflow_id, caller, organization, tags, again_of } = subjectFields.parse(
      JSON.parse(document ?? 'null'),
    );
    return subjectOf({
      workflowId: workflow_id ?? null,
      caller: caller ?? null,
      organization: organization ?? null,
      tags: tags ?? [],
      againOf: again_of ?? undefined,
    });
  } catch {
    return NO_SUBJECT;
  }
}
