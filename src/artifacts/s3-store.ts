import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { AwsV4Signer } from 'aws4fetch';
import pRetry, { AbortError } from 'p-retry';
import type { Artifact } from '../contract/fields/artifacts.js';
import { type ArtifactStore, type Content, StoreError } from './artifact-store.js';

/** A bucket that speaks the S3 protocol. */
export interface S3Settings {
  /** URL of the bucket, and of a folder in it where one is wanted: `https://host/bucket/folder`. */
  url: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** After this time without a byte the store counts as away. */
const IDLE_MS = 30_000;
const RETRIES = 2;
/** Longest time that the protocol lets a link work: seven days. */
const MAX_LINK_SECONDS = 604_800;
/** Of an error document, which goes into a message. */
const MAX_ERROR_CHARS = 300;

/** Keys that are ours. */
const OF_A_DAY = /^\d{4}-\d{2}-\d{2}\//;

interface Call {
  method: 'GET' | 'PUT' | 'DELETE';
  url: URL;
  content?: Content;
}

/**
 * Keeps artifacts in a bucket. An artifact is one object, sent in one piece whose length is known from the start;
 * so of each no more than a buffer is in memory.
 */
export class S3Store implements ArtifactStore {
  private readonly bucket: URL;
  /** Of all keys, with a slash at its end; '' for the whole bucket. */
  private readonly prefix: string;

  constructor(private readonly settings: S3Settings) {
    const url = new URL(settings.url.replace(/\/*$/, '/'));
    const { hostname, pathname } = url;
    // With the name of the bucket in that of the host all of the path is a folder in it.
    const [first = '', ...rest] = pathname.split('/').filter((part) => part !== '');
    const isInHost = /\.s3[.-][a-z0-9.-]*amazonaws\.com$/.test(hostname);
    const folders = isInHost && first !== '' ? [first, ...rest] : rest;
    this.prefix = folders.map((part) => `${decodeURIComponent(part)}/`).join('');
    this.bucket = new URL(isInHost ? '/' : `/${first}`, url);
  }

  async put(folder: string, content: Content): Promise<void> {
    const answer = await this.call({ method: 'PUT', url: this.urlOf(folder + content.name), content });
    answer.resume();
  }

  async open(folder: string, { name }: Artifact): Promise<Readable | null> {
    return this.call({ method: 'GET', url: this.urlOf(folder + name) }).catch((error: unknown) => {
      if (error instanceof RefusedError && error.status === 404) return null;
      throw error;
    });
  }

  async link(folder: string, { name, type }: Artifact, lifetimeMs: number): Promise<string> {
    const url = this.urlOf(folder + name);
    const seconds = Math.min(Math.floor(lifetimeMs / 1000), MAX_LINK_SECONDS);
    url.searchParams.set('X-Amz-Expires', String(seconds));
    // To be saved, under the name that ends the path.
    url.searchParams.set('response-content-disposition', 'attachment');
    url.searchParams.set('response-content-type', type);
    const signed = await this.signer('GET', url, true).sign();
    return signed.url.href;
  }

  async remove(folders: readonly string[]): Promise<void> {
    for (const folder of folders) await this.removeKeys({ prefix: folder });
  }

  /** Keys are listed in their order, in which days come from the first on. */
  removeBefore(day: string): Promise<void> {
    return this.removeKeys({ before: day });
  }

  private urlOf(key: string): URL {
    const parts = (this.prefix + key).split('/').map(encodePart);
    return new URL(`${this.bucket.href.replace(/\/$/, '')}/${parts.join('/')}`);
  }

  private async removeKeys({ prefix = '', before }: { prefix?: string; before?: string }): Promise<void> {
    for (let after = ''; ;) {
      const { keys, isTruncated } = await this.page(prefix, after);
      for (const key of keys) {
        if (before !== undefined && key >= before) return;
        if (!OF_A_DAY.test(key)) continue;
        const answer = await this.call({ method: 'DELETE', url: this.urlOf(key) });
        answer.resume();
      }
      after = keys.at(-1) ?? '';
      if (!isTruncated || after === '') return;
    }
  }

  /** Keys after `after` that begin with a prefix, a thousand at most. */
  private async page(prefix: string, after: string): Promise<{ keys: string[]; isTruncated: boolean }> {
    const url = new URL(this.bucket);
    url.searchParams.set('list-type', '2');
    url.searchParams.set('prefix', this.prefix + prefix);
    if (after !== '') url.searchParams.set('start-after', this.prefix + after);
    const document = await text(await this.call({ method: 'GET', url }));
    return {
      keys: [...document.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) =>
        unescaped(key).slice(this.prefix.length),
      ),
      isTruncated: document.includes('<IsTruncated>true</IsTruncated>'),
    };
  }

  private signer(method: string, url: URL, signQuery: boolean): AwsV4Signer {
    const { accessKeyId, secretAccessKey, region } = this.settings;
    const keys = { accessKeyId, secretAccessKey, region, service: 's3' };
    return new AwsV4Signer({ method, url: url.href, signQuery, ...keys });
  }

  /** Tries again what may pass. @throws {StoreError}, or what reading the content throws */
  private call(call: Call): Promise<IncomingMessage> {
    return pRetry(() => this.callOnce(call), { retries: RETRIES, minTimeout: 200 });
  }

  private async callOnce({ method, url, content }: Call): Promise<IncomingMessage> {
    const signed = await this.signer(method, url, false).sign();
    const headers: Record<string, string> = Object.fromEntries(signed.headers);
    if (content) {
      headers['content-length'] = String(content.bytes);
      headers['content-type'] = content.type;
    }
    const open = signed.url.protocol === 'https:' ? overHttps : overHttp;
    const sent = open(signed.url, { method, headers, timeout: IDLE_MS });
    sent.once('timeout', () => sent.destroy(new Error(`nothing came for ${IDLE_MS / 1000} s`)));
    // What ends it after its answer, the reader of that sees.
    sent.on('error', () => undefined);
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    // It may be refused while it is still being sent, which breaks off the sending.
    answered.catch(() => undefined);
    await send(sent, content, answered);
    const [answer] = await answered.catch((error: Error) => {
      throw new StoreError(`the S3 store does not answer: ${error.message}`);
    });
    // A reader of ours may be slow.
    sent.setTimeout(0);
    const { statusCode = 0 } = answer;
    if (statusCode >= 200 && statusCode < 300) return answer;
    const said = (await text(answer).catch(() => '')).slice(0, MAX_ERROR_CHARS);
    const refused = new RefusedError(statusCode, `the S3 store answered ${statusCode}: ${said}`);
    // Too many requests, and what is wrong there and may pass.
    if (statusCode === 429 || statusCode >= 500) throw refused;
    throw new AbortError(refused);
  }
}

/** It answered, and did not do it. */
class RefusedError extends StoreError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Sends what belongs to the request, and stops where an answer or the end of the connection comes first.
 * @throws what reading the content throws
 */
async function send(
  sent: ClientRequest,
  content: Content | undefined,
  answered: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  const over = answered.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  try {
    for await (const chunk of content?.chunks() ?? []) {
      // Only when it was handed to the system may the next chunk take its memory.
      const written = new Promise<void>((resolve) => sent.write(chunk, () => resolve()));
      await Promise.race([written, over]);
      if (isOver) return;
    }
    sent.end();
  } catch (error) {
    sent.destroy();
    throw new AbortError(error as Error);
  }
}

/** As the signature has it: also what encodeURIComponent leaves. */
const encodePart = (part: string): string =>
  encodeURIComponent(part).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Text of an XML element. */
const unescaped = (xml: string): string =>
  xml.replaceAll(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name = '') => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return decimal === undefined ? (ENTITIES[name as string] ?? all) : String.fromCodePoint(Number(decimal));
  });
