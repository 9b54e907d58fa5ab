import { CommandError } from '../output/exit.js';
import type { ApiAccess } from './api-access.js';
import { connectionError, refusalError, strangeAnswer } from './api-errors.js';

/** One request to the API. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With a slash at its beginning, and query. */
  path: string;
  /** Body as JSON text. */
  json?: string;
  timeoutMs: number;
  interrupt?: AbortSignal;
}

/** Any answer, also one that is no success. */
export interface ApiAnswer {
  status: number;
  text: string;
}

/** A request for something long. */
export interface StreamRequest {
  path: string;
  /** Content type that is asked for. */
  accept: string;
  headers?: Readonly<Record<string, string>>;
  /** Ends it for a reason of the program's own, which counts as a break of the connection. */
  ended?: AbortSignal;
}

/** A successful answer whose body is read as it comes. */
export interface ApiStream {
  headers: Headers;
  body: AsyncIterable<Uint8Array>;
}

/**
 * Sends one request and reads the whole answer.
 * @throws {UnavailableError} when there is none; the reason of `interrupt` when that aborts.
 */
export function sendRequest(access: ApiAccess, request: ApiRequest): Promise<ApiAnswer> {
  const { method, path, json, timeoutMs, interrupt } = request;
  const signals = [AbortSignal.timeout(timeoutMs), ...(interrupt ? [interrupt] : [])];
  return withAdvice(access, interrupt, async () => {
    const response = await send(access, path, {
      method,
      headers: {
        accept: 'application/json',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: json }),
      signal: AbortSignal.any(signals),
    });
    return { status: response.status, text: await response.text() };
  });
}

/**
 * Asks for something long. Its body has no time limit; what breaks it off, iterating throws, as it is.
 * @throws {CommandError} when there is no answer or a refusal; the reason of `interrupt` when that aborts.
 */
export function openStream(
  access: ApiAccess,
  { path, accept, headers, ended }: StreamRequest,
  interrupt: AbortSignal,
): Promise<ApiStream> {
  return withAdvice(access, interrupt, async () => {
    const response = await send(access, path, {
      headers: { accept, ...headers },
      signal: ended ? AbortSignal.any([interrupt, ended]) : interrupt,
    });
    const { status, body } = response;
    if (status < 200 || status > 299)
      throw refusalError({ status, body: parseJson(await response.text()) }, access);
    const isExpected = response.headers.get('content-type')?.startsWith(accept) ?? false;
    if (!isExpected || body === null) throw strangeAnswer(status, access);
    return { headers: response.headers, body };
  });
}

/** Does something with the API; what breaks it off says what to do. */
export async function withAdvice<T>(
  access: ApiAccess,
  interrupt: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    interrupt?.throwIfAborted();
    throw connectionError(error, access);
  }
}

/** The JSON value of a text; undefined for invalid JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(
  { url, token }: ApiAccess,
  path: string,
  { headers, ...request }: Omit<RequestInit, 'headers'> & { headers: Record<string, string> },
): Promise<Response> {
  return fetch(`${url}${path}`, {
    ...request,
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    // Following one would turn a POST into a GET, or send the code to another server.
    redirect: 'manual',
  });
}
