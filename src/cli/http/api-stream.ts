import type { ApiAccess } from './api-access.js';
import { connectionError, refusalError, strangeAnswer } from './api-errors.js';
import { parseJson } from './api-request.js';

/** A successful answer whose body is read as it comes. */
export interface ApiStream {
  headers: Headers;
  body: AsyncIterable<Uint8Array>;
}

/**
 * Asks for something long. Its body has no time limit; what breaks it off, iterating throws.
 * @throws {CommandError} when there is no answer or a refusal; the reason of `interrupt` when that aborts.
 */
export async function openStream(
  access: ApiAccess,
  path: string,
  interrupt: AbortSignal,
): Promise<ApiStream> {
  let response: Response;
  try {
    response = await fetch(`${access.url}${path}`, {
      headers: {
        accept: 'application/x-ndjson',
        ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
      },
      redirect: 'manual',
      signal: interrupt,
    });
  } catch (error) {
    interrupt.throwIfAborted();
    throw connectionError(error, access);
  }
  const { status, headers, body } = response;
  if (status < 200 || status > 299)
    throw refusalError({ status, body: parseJson(await response.text()) }, access);
  if (body === null) throw strangeAnswer(status, access);
  return { headers, body };
}
