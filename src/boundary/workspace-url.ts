import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where workspace modules appear to lie, as `import.meta.url` and stack traces say. It need not exist on disk. */
export const DEFAULT_WORKSPACE_PATH = '/tmp/bifrost/workspace';

/** The folder of the workspace as a URL with a slash at its end, so that `startsWith` means "within". */
export function workspaceRootUrl(path: string = DEFAULT_WORKSPACE_PATH): string {
  return pathToFileURL(`${path.replace(/\/+$/, '')}/`).href;
}

/** A path that a URL spells in the same way. */
const PLAIN_PATH = /^(?:[A-Za-z0-9_-][\w.-]*\/)*[A-Za-z0-9_-][\w.-]*$/;

/** URL of the workspace module with this path, spelled as Node spells it. */
export function moduleUrl(rootUrl: string, path: string): string {
  if (PLAIN_PATH.test(path)) return rootUrl + path;
  return pathToFileURL(fileURLToPath(rootUrl) + path).href;
}

/** Path of the workspace module that a URL names, without query and fragment; null when it lies elsewhere. */
export function pathOfUrl(rootUrl: string, url: string): string | null {
  if (!url.startsWith(rootUrl)) return null;
  try {
    return decodeURIComponent(url.slice(rootUrl.length).replace(/[?#].*$/s, ''));
  } catch {
    return null;
  }
}
