import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';

/** What writes or shows all objects and texts of this thread, the nonce of the execution among them. */
const SHOWING_THE_HEAP = [
  'getHeapSnapshot',
  'writeHeapSnapshot',
  'setHeapSnapshotNearHeapLimit',
  'queryObjects',
];

/** Makes Node refuse pictures of the heap. Before user code is loaded. */
export function guardHeap(): void {
  for (const name of SHOWING_THE_HEAP) {
    const refuse = (): never => {
      throw Object.assign(new Error(`Access to this API has been restricted: v8.${name}`), {
        code: 'ERR_ACCESS_DENIED',
        permission: 'HeapSnapshot',
      });
    };
    Object.defineProperty(v8, name, { value: refuse, writable: false, configurable: false });
  }
  syncBuiltinESMExports();
}
