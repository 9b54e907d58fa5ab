import { z } from 'zod';

const name = z.string().nullable();

/** On whose behalf an execution ran and as what: the part of its context that its result repeats. */
export const subjectSchema = z.object({
  workflow_id: name,
  caller: z.object({ user_id: name, email: name, name }).nullable(),
  organization: z.object({ id: z.string(), name }).nullable(),
  tags: z.array(z.string()),
  again_of: z
    .string()
    .optional()
    .meta({ description: 'Id of the execution that it was run again of; absent: of none' }),
});

export type Subject = z.infer<typeof subjectSchema>;

/** Longest of these texts that results repeat; producers may write more, and every result would carry it. */
const MAX_CHARS = 1000;
const MAX_TAGS = 50;

/** Of an execution of which nothing is known but its id. */
export const NO_SUBJECT: Subject = { workflow_id: null, caller: null, organization: null, tags: [] };

/** What of a context its result repeats, bounded. */
export function subjectOf(context: {
  workflowId: string | null;
  caller: Readonly<Record<string, unknown>> | null;
  organization: ({ id: string } & Readonly<Record<string, unknown>>) | null;
  tags: readonly string[];
  againOf?: string | undefined;
}): Subject {
  const { caller, organization } = context;
  return {
    workflow_id: text(context.workflowId),
    caller: caller && {
      user_id: text(caller['user_id']),
      email: text(caller['email']),
      name: text(caller['name']),
    },
    organization: organization && {
      id: organization.id.slice(0, MAX_CHARS),
      name: text(organization['name']),
    },
    tags: context.tags.slice(0, MAX_TAGS).map((tag) => tag.slice(0, MAX_CHARS)),
    ...(context.againOf === undefined ? {} : { again_of: context.againOf.slice(0, MAX_CHARS) }),
  };
}

const text = (value: unknown): string | null =>
  typeof value === 'string' ? value.slice(0, MAX_CHARS) : null;
