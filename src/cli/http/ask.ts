import type { ApiAccess } from './api-access.js';
import { refusalError, strangeAnswer } from './api-errors.js';
import { parseJson, sendRequest } from './api-request.js';

const ANSWER_TIMEOUT_MS = 20_000;

/** One request to the API. */
export interface Question {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With a slash at its beginning, and query. */
  path: string;
  body?: object;
  /** A field that every answer to it has: the worker may be newer than this command, so no more is checked. */
  field: string;
}

/**
 * Asks the API, and returns its answer.
 * @throws {CommandError} with advice when there is no proper answer.
 */
export async function ask<Answer>(
  access: ApiAccess,
  { method, path, body, field }: Question,
): Promise<Answer> {
  const { status, text } = await sendRequest(access, {
    method: method ?? 'GET',
    path,
    timeoutMs: ANSWER_TIMEOUT_MS,
    ...(body === undefined ? {} : { json: JSON.stringify(body) }),
  });
  const answer = parseJson(text);
  if (status < 200 || status > 299) throw refusalError({ status, body: answer }, access);
  if (typeof answer !== 'object' || answer === null || !(field in answer))
    throw strangeAnswer(status, access);
  return answer as Answer;
}

/**
 * All pages of a list, one after the other.
 * @param path without `cursor` and `limit`; has no query, or begins one
 * @throws {CommandError} with advice when there is no proper answer.
 */
export async function askAll<Item>(access: ApiAccess, path: string, field: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const query: URLSearchParams = new URLSearchParams({
      limit: '500',
      ...(cursor === null ? {} : { cursor }),
    });
    const separator = path.includes('?') ? '&' : '?';
    const page: Record<string, unknown> = await ask(access, {
      path: `${path}${separator}${query.toString()}`,
      field,
    });
    items.push(...(page[field] as Item[]));
    cursor = (page['next_cursor'] as string | null | undefined) ?? null;
  } while (cursor !== null);
  return items;
}
