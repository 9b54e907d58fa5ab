import { Webhook } from 'standardwebhooks';

/**
 * Headers of a message as Standard Webhooks has them (https://www.standardwebhooks.com): one signature for each secret,
 * so that receivers may have the former one while it is replaced.
 * @param secrets `whsec_` and base64
 */
export function signedHeaders(
  { id, body, sentAt }: { id: string; body: string; sentAt: Date },
  secrets: readonly string[],
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, sentAt, body)).join(' '),
  };
}
