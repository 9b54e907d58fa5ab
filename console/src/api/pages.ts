import { ask } from './client.js';

/** Pages that are read at most; beyond them a search by the API would be needed. */
const MOST = 10;

/** Reads the pages of a list, one after the other. @param path with a query */
export async function askPages<Page extends { next_cursor: string | null }>(
  path: string,
  signal: AbortSignal,
): Promise<Page[]> {
  const pages: Page[] = [];
  let cursor: string | null = null;
  do {
    const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page = await ask<Page>(`${path}${from}`, { signal });
    pages.push(page);
    cursor = page.next_cursor;
  } while (cursor !== null && pages.length < MOST);
  return pages;
}
