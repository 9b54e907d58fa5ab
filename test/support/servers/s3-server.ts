import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

interface S3Server {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}

/** The part of its API that is used here; the package has no types. */
const S3rver = createRequire(import.meta.url)('@20minutes/s3rver') as new (options: {
  port: number;
  address: string;
  silent: boolean;
  directory: string;
  configureBuckets: { name: string }[];
}) => S3Server;

/** Keys that the server takes. */
export const S3_KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER', region: 'us-east-1' };

/** Starts a server that speaks the S3 protocol, with these buckets, on a free port of loopback. */
export async function startS3(
  directory: string,
  buckets: readonly string[],
): Promise<{ url: string; close(): Promise<void> }> {
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: buckets.map((name) => ({ name })),
  });
  const { port } = await server.run();
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
