/** What the API says of an error (RFC 9457). */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  errors: { field: string; message: string }[];
}

/** A request that the API refused, or that never reached it. */
export class RequestError extends Error {
  constructor(
    readonly problem: Problem,
    /** The request did not get an answer. */
    readonly isOffline = false,
  ) {
    super(problem.detail);
  }

  get status(): number {
    return this.problem.status;
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface Options {
  method?: Method;
  body?: unknown;
  signal?: AbortSignal;
}

/** Runs when the API wants a session that is not there, or is over. */
let onUnauthorized: () => void = () => undefined;
export const whenUnauthorized = (handler: () => void): void => void (onUnauthorized = handler);

/**
 * Sends a request to the API and reads the JSON of its answer.
 * @throws {RequestError} for everything but an answer that says it was done.
 */
export async function ask<T>(path: string, options: Options = {}): Promise<T> {
  const response = await send(path, options);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

/** As {@link ask}, for text. */
export const askText = async (path: string, options: Options = {}): Promise<string> =>
  (await send(path, options)).text();

/** Health documents are answers, whatever their status. */
export async function askHealth<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await reach(path, signal ? { signal } : {});
  if (response.ok || response.status === 503) return (await response.json()) as T;
  throw await refusalOf(response);
}

async function send(path: string, options: Options): Promise<Response> {
  const response = await reach(path, options);
  if (response.ok) return response;
  throw await refusalOf(response);
}

async function reach(path: string, { method = 'GET', body, signal }: Options): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      headers: {
        'x-bifrost-console': '1',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RequestError(
      { status: 0, title: 'Offline', detail: 'The worker does not answer.', errors: [] },
      true,
    );
  }
}

async function refusalOf(response: Response): Promise<RequestError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  if (response.status === 401) onUnauthorized();
  return new RequestError({
    status: response.status,
    title: problem.title ?? response.statusText,
    detail: problem.detail ?? `The worker answered ${response.status}.`,
    errors: problem.errors ?? [],
  });
}

/** The address of an execution in the API. */
export const executionPath = (id: string): string => `/executions/${encodeURIComponent(id)}`;
