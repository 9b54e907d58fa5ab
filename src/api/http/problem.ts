import { HttpException } from '@nestjs/common';
import type { FailureCode } from '../../contract/failure.js';

/** What is wrong with one field, and what it must be. */
export interface FieldError {
  /** Dotted path, such as `parameters.name`; `body` for the whole document; a file's path where files are sent. */
  field: string;
  message: string;
  /** Where in the text of the field, from 1. */
  line?: number | undefined;
  column?: number | undefined;
  /** The code of the contract for it, where there is one. */
  code?: FailureCode | undefined;
}

/** RFC 9457 problem details: every error answer of the API. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors: FieldError[];
}

/** Kinds of problems: a closed set. `type` of a problem is `urn:bifrost:problem:` and the kind. */
const KINDS = {
  'invalid-request': [400, 'The request cannot be used'],
  unauthorized: [401, 'A token is needed'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'Method not allowed'],
  'request-timeout': [408, 'The request took too long'],
  // Before "conflict": a 409 that a library threw gets the last kind that has this status.
  outdated: [409, 'Another publish came first'],
  ended: [409, 'Ended already'],
  conflict: [409, 'Known already'],
  'too-large': [413, 'Too large'],
  'unsupported-media-type': [415, 'JSON is needed'],
  // Before "foreign-origin", which is the 403 of a library.
  forbidden: [403, 'The token may not do this'],
  'foreign-origin': [403, 'Requests of other web pages are refused'],
  'sources-missing': [422, 'Sources are missing'],
  'syntax-errors': [422, 'Files hold syntax errors'],
  'quota-exceeded': [429, 'A quota is used up'],
  'misdirected-host': [421, 'Unexpected host'],
  'headers-too-large': [431, 'Headers too large'],
  unavailable: [503, 'Not available now'],
  internal: [500, 'Something went wrong here'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemKind = keyof typeof KINDS;

/** All kinds there are. */
export const PROBLEM_KINDS = Object.keys(KINDS) as ProblemKind[];

const KIND_OF_STATUS = new Map(
  Object.entries(KINDS).map(([kind, [status]]) => [status as number, kind as ProblemKind]),
);

/** Kind for the status code of an error that a library threw. */
export const kindOfStatus = (status: number): ProblemKind =>
  KIND_OF_STATUS.get(status) ?? (status >= 500 ? 'internal' : 'invalid-request');

interface Extras {
  errors?: readonly FieldError[];
  headers?: Readonly<Record<string, string>>;
  /** Extension members of the document (RFC 9457, section 3.2). */
  members?: Readonly<Record<string, unknown>>;
}

/** An error that the client sees unchanged. `detail` never holds secrets or stacks. */
export class ProblemException extends HttpException {
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    readonly kind: ProblemKind,
    readonly detail: string,
    { errors = [], headers = {}, members = {} }: Extras = {},
  ) {
    super(detail, KINDS[kind][0]);
    this.errors = errors;
    this.headers = headers;
    this.members = members;
  }
}

/** The document that goes out; `status` differs from the kind's own where a library chose it. */
export function problemOf(
  kind: ProblemKind,
  detail: string,
  instance: string,
  errors: readonly FieldError[] = [],
  status: number = KINDS[kind][0],
): Problem {
  return {
    type: `urn:bifrost:problem:${kind}`,
    title: KINDS[kind][1],
    status,
    detail,
    instance,
    errors: [...errors],
  };
}
