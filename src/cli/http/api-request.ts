import type { ApiAccess } from './api-access.js';
import { connectionError } from './api-errors.js';

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

/**
 * Sends one request and reads the whole answer.
 * @throws {UnavailableError} when there is none; the reason of `interrupt` when that aborts.
 */
export async function sendRequest(access: ApiAccess, request: ApiRequest): Promise<ApiAnswer> {
  const { method, path, json, interrupt } = request;
  const timeout = AbortSignal.timeout(request.timeoutMs);
  try {
    const response = await fetch(`${access.url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
      },
      ...(json === undefined ? {} : { body: json }),
      // Following one would turn a POST into a GET, or send the code to another server.
      redirect: 'manual',
      signal: interrupt ? AbortSignal.any([interrupt, timeout]) : timeout,
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
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
