import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { NO_SUBJECT, type Subject, subjectOf } from '../contract/subject.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';

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
   */
  async read(contextIds: readonly (string | null)[]): Promise<Subject[]> {
    const sizes = await Promise.all(contextIds.map((id) => this.sizeOf(id)));
    let bytes = 0;
    const readable = sizes.findIndex((size, index) => (bytes += size) > MAX_BYTES && index > 0);
    const some = readable === -1 ? contextIds : contextIds.slice(0, readable);
    return Promise.all(
      some.map(async (id) =>
        id === null ? NO_SUBJECT : subjectIn(await this.redis.get(this.keys.context(id))),
      ),
    );
  }

  /** The subject of one context; null: there is no such context. */
  async find(contextId: string): Promise<Subject | null> {
    const document = await this.redis.get(this.keys.context(contextId));
    return document === null ? null : subjectIn(document);
  }

  private async sizeOf(id: string | null): Promise<number> {
    return id === null ? 0 : this.redis.strlen(this.keys.context(id));
  }
}

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
