import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Which artifact a link is for. */
export interface LinkTarget {
  id: string;
  name: string;
}

/**
 * Links that open one artifact until a time, without a token. They are signed by a key that is derived of API_TOKEN, so
 * that every process of the API accepts them, and none any more once that has changed. Without a token, where only
 * programs of this machine may ask, the key is this process's own.
 */
export class ArtifactLinks {
  private readonly key: Buffer;

  constructor(token: string | undefined) {
    this.key =
      token === undefined
        ? randomBytes(32)
        : createHmac('sha256', token).update('bifrost: links to artifacts').digest();
  }

  /** Path and query of a link. */
  linkTo(target: LinkTarget, expiresAt: Date): string {
    const expires = String(Math.floor(expiresAt.getTime() / 1000));
    const path = `/executions/${encodeURIComponent(target.id)}/artifacts/${encodeURIComponent(target.name)}`;
    return `${path}?expires=${expires}&signature=${this.sign(target, expires)}`;
  }

  /** Whether a link is ours, and not over. */
  accepts(target: LinkTarget, { expires, signature }: { expires?: unknown; signature?: unknown }): boolean {
    if (typeof expires !== 'string' || typeof signature !== 'string') return false;
    if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < Date.now()) return false;
    const wanted = Buffer.from(this.sign(target, expires));
    const given = Buffer.from(signature);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  /** Names and ids are free text: as JSON no two targets read alike. */
  private sign({ id, name }: LinkTarget, expires: string): string {
    return createHmac('sha256', this.key)
      .update(JSON.stringify([id, name, expires]))
      .digest('base64url');
  }
}
