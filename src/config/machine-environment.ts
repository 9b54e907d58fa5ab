import { credentialNames } from './settings.js';

/** Variables that a tool needs to find its programs, its certificates and its way out; none is a secret of the worker. */
const CARRIED = [
  'PATH',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
] as const;

/** The part of the machine's environment that a helper program such as npm may have; everything else stays here. */
export function machineEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  return Object.fromEntries(
    CARRIED.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Of OpenTelemetry: headers that hold the credentials for a collector. */
const TELEMETRY_HEADERS = /^OTEL_.*HEADERS$/;
/** What npm itself knows by this name. */
const OF_NPM = 'NPM_TOKEN';

/**
 * The whole environment but for credentials of the worker: for npm, whose configuration may name any variable. What is
 * in the environment of a program that is started, every other process of the same user can read.
 */
export const environmentOfNpm = (
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !isCredential(entry[0]),
    ),
  );

const isCredential = (variable: string): boolean =>
  variable !== OF_NPM &&
  (credentialNames.has(variable.replace(/^BIFROST_/, '')) || TELEMETRY_HEADERS.test(variable));
