import type { ApiAccess } from './api-access.js';
import { CommandError, EXIT } from '../output/exit.js';
import { plain } from '../output/output.js';

/** The API was not reached, or is not available at the moment: the same request may succeed later. */
export class UnavailableError extends CommandError {
  /** @param arrived whether the request may have reached the worker. */
  constructor(
    message: string,
    readonly arrived: boolean,
  ) {
    super(EXIT.unavailable, message);
  }
}

/** What of an answer says why it is no success. */
export interface Refusal {
  status: number;
  /** The parsed body; undefined when it is not JSON. */
  body: unknown;
}

const PASSING: ReadonlySet<number> = new Set([502, 503, 504]);
/** The connection was there and went away. */
const LOST: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
/** The request itself is at fault. */
const FAULTS: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);

/** Turns an answer that is no success into what the person at the terminal can do about it. */
export function refusalError({ status, body }: Refusal, access: ApiAccess): CommandError {
  const problem = readProblem(body);
  if (FAULTS.has(status)) {
    const lines = problem.errors.map(({ field, message }) => `\n  ${field}: ${message}`).join('');
    return new CommandError(
      EXIT.usage,
      `the request was refused (${status}):${lines || ` ${problem.detail || 'no reason given'}`}`,
    );
  }
  // Our own words about what was asked for, unlike a path that the server there does not have.
  if (status === 404 && problem.detail.startsWith('There is no ')) {
    return new CommandError(EXIT.usage, problem.detail);
  }
  const said = `${access.url} answers ${status}${problem.detail && ` (${problem.detail})`}`;
  const advice = `${said}: ${adviceFor(status, access)}`;
  return PASSING.has(status)
    ? new UnavailableError(advice, true)
    : new CommandError(EXIT.unavailable, advice);
}

/** The answer came, but nothing that this API would say. */
export const strangeAnswer = (status: number, { url }: ApiAccess): CommandError =>
  new CommandError(
    EXIT.unavailable,
    `${url} answers ${status} with something else than bifrost would: check BIFROST_URL`,
  );

/** No answer came. `error` is what fetch threw. */
export function connectionError(error: unknown, { url }: ApiAccess): UnavailableError {
  if ((error as Error).name === 'TimeoutError') {
    return new UnavailableError(
      `${url} does not answer: check that the worker there is well (GET /health)`,
      true,
    );
  }
  const { cause } = error as Error;
  const { code, message } = (cause ?? error) as NodeJS.ErrnoException;
  // The codes of Node's own HTTP client say less than its messages.
  const reason = plain(code === undefined || code.startsWith('UND_') ? message : code);
  return LOST.has(code ?? '')
    ? new UnavailableError(`the connection to ${url} broke (${reason}): try again`, true)
    : new UnavailableError(
        `no connection to ${url} (${reason}): start a worker there, or set BIFROST_URL`,
        false,
      );
}

function adviceFor(status: number, { token }: ApiAccess): string {
  switch (status) {
    case 401:
      return `set BIFROST_TOKEN to the API_TOKEN of the worker${token === undefined ? '' : '; the one that is set is another'}`;
    case 403:
      return 'something between here and the worker refuses this; check BIFROST_URL and BIFROST_TOKEN';
    case 404:
      return 'check BIFROST_URL, and that the worker there has the role api';
    case 421:
      return 'set BIFROST_URL to the address that the worker expects';
    default:
      if (status < 400) return 'redirects are not followed; set BIFROST_URL to the final address';
      return status < 500 ? 'check BIFROST_URL' : 'try again later; the log of the worker says more';
  }
}

interface ProblemText {
  detail: string;
  errors: { field: string; message: string }[];
}

/** Reads problem details (RFC 9457) out of a body that may be anything. */
function readProblem(body: unknown): ProblemText {
  const { detail, errors } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  return {
    detail: typeof detail === 'string' ? plain(detail) : '',
    errors: (Array.isArray(errors) ? (errors as unknown[]) : []).flatMap((entry) => {
      const { field, message } = (entry ?? {}) as Record<string, unknown>;
      if (typeof field !== 'string' || typeof message !== 'string') return [];
      return [{ field: plain(field), message: plain(message) }];
    }),
  };
}
